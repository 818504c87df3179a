"""Audio: feature specification, integer front ends, data sets, synthesis, augmentation."""
