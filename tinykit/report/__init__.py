"""From the manifests of a run to HTML, JSON and Markdown."""
