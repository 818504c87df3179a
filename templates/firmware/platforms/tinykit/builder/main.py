"""Build script of the platform: which tools, which flags, which linker script.

A board's own part comes from `boards/<id>.json` (core flags) and `boards/<id>/firmware.ld`.
"""

import os

from SCons.Script import AlwaysBuild, Default, DefaultEnvironment

env = DefaultEnvironment()
board = env.BoardConfig()
project = env.subst("$PROJECT_DIR")
# SCons runs in the project's folder. Relative paths need no quoting, whatever the folder is called.
build_dir = os.path.relpath(env.subst("$BUILD_DIR"), project)
tool_prefix = board.get("build.tool_prefix")
core_flags = board.get("build.core_flags")

env.Replace(
    AR=tool_prefix + "ar",
    AS=tool_prefix + "as",
    CC=tool_prefix + "gcc",
    CXX=tool_prefix + "g++",
    OBJCOPY=tool_prefix + "objcopy",
    RANLIB=tool_prefix + "ranlib",
    SIZETOOL=tool_prefix + "size",
    PROGNAME="firmware",
    PROGSUFFIX=".elf",
    LDSCRIPT_PATH=board.get("build.ldscript"),
    # What counts as flash and as RAM when PlatformIO prints the sizes; .stack is only reserved.
    SIZECHECKCMD="$SIZETOOL -A -d $SOURCES",
    SIZEPROGREGEXP=r"^(?:\.text|\.data|\.ARM\.exidx)\s+(\d+).*",
    SIZEDATAREGEXP=r"^(?:\.data|\.bss)\s+(\d+).*",
    SIZEPRINTCMD="$SIZETOOL -B -d $SOURCES",
)
env.Append(
    ASFLAGS=core_flags,
    ASPPFLAGS=["-x", "assembler-with-cpp"],
    CCFLAGS=[
        *core_flags,
        "-Os",
        "-g",
        "-ffunction-sections",
        "-fdata-sections",
        # The same sources give the same bytes in any folder.
        f"-ffile-prefix-map={project}=.",
    ],
    CFLAGS=["-std=c99"],
    CXXFLAGS=["-std=c++17", "-fno-exceptions", "-fno-rtti"],
    LINKFLAGS=[
        *core_flags,
        "-nostartfiles",  # the start-up code in src/hal/bare_metal is ours
        *board.get("build.link_flags"),
        f"-Wl,-Map,{build_dir}/firmware.map",
    ],
    LIBS=["c", "gcc"],
)

program = env.BuildProgram()
AlwaysBuild(env.Alias("nobuild", program))
build = env.Alias("buildprog", program, program)
env.AddPlatformTarget(
    "size", program, env.VerboseAction("$SIZEPRINTCMD", "Sizes of $SOURCE"), "Program Size"
)

# For a look without tinykit; `tinykit flash` starts the same emulator in the background.
emulator = [
    board.get("emulator.program"),
    f"-machine {board.get('emulator.machine')}",
    f"-icount shift={board.get('emulator.icount_shift')},sleep=off",
    "-display none -monitor none",
    "-serial tcp:127.0.0.1:5555,server=on,wait=off",
    "-kernel $SOURCE",
]
AlwaysBuild(
    env.AddPlatformTarget(
        "emulate",
        program,
        env.VerboseAction(" ".join(emulator), "Emulating on socket://127.0.0.1:5555"),
        "Emulate",
        "Run in QEMU until Ctrl-C; serial port: socket://127.0.0.1:5555",
    )
)
Default([build])
