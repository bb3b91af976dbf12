"""``bin/completion``: completion for bash, zsh and fish, answered by click itself."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING, Final

import click
from click.shell_completion import ShellComplete

from actp.checkout import IS_CHECKOUT
from actp.settings import PROJECT_ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["candidates", "completion"]

# The one command of an installed copy.
INSTALLED: Final = "actp"
_BASH: Final = """\
_actp_words() {{
    local IFS=$'\\n'
    COMPREPLY=($({run} "${{COMP_WORDS[@]:0:$((COMP_CWORD + 1))}}" 2>/dev/null))
}}
complete -o default -F _actp_words {commands}
"""
# A shell without its completion system gets it; without candidates, files are completed.
_ZSH: Final = """\
(( ${{+functions[compdef]}} )) || {{ autoload -Uz compinit && compinit; }}
_actp_words() {{
    local -a found
    found=(${{(f)"$({run} "${{(@)words[1,CURRENT]}}" 2>/dev/null)"}})
    if (( $#found )); then compadd -a found; else _files; fi
}}
compdef _actp_words {commands}
"""
_FISH: Final = """\
function _actp_words
    {run} (commandline -opc) (commandline -ct) 2>/dev/null
end
"""
_FISH_EACH: Final = "complete -{kind} {name} -f -a '(_actp_words)'\n"


def candidates(words: Sequence[str]) -> list[str]:
    """Return what may follow the command as typed; the last word is unfinished."""
    from actp.cli.group import actp  # noqa: PLC0415  # it brings every command

    command, *before, unfinished = words
    name = command.rpartition("/")[2]
    found = actp if name == INSTALLED else actp.get_command(click.Context(actp), name)
    if found is None:
        return []
    answer = ShellComplete(found, {}, name, "").get_completions(before, unfinished)
    return [item.value for item in answer if item.type == "plain"]


@click.command()
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
def completion(shell: str) -> None:
    """Print the completion of every command for a shell.

    bash, zsh: eval "$(bin/completion bash)"; fish: bin/completion fish | source. An installed copy
    has actp completion.
    """
    names = _checkout_names() if IS_CHECKOUT else [INSTALLED]
    if shell == "fish":
        paths = [name for name in names if not name.startswith("bin/")]
        click.echo(_FISH.format(run=_runner()), nl=False)
        for name in paths:
            kind = "p" if "/" in name else "c"
            click.echo(_FISH_EACH.format(kind=kind, name=shlex.quote(name)), nl=False)
        return
    template = _BASH if shell == "bash" else _ZSH
    commands = " ".join(map(shlex.quote, names))
    click.echo(template.format(run=_runner(), commands=commands), nl=False)


def _checkout_names() -> list[str]:
    launchers = sorted(path for path in (PROJECT_ROOT / "bin").iterdir() if path.name != "_run")
    return [name for path in launchers for name in (f"bin/{path.name}", str(path))]


def _runner() -> str:
    """Return the start of the command line that prints candidates for the words after it."""
    if IS_CHECKOUT:
        started = [str(PROJECT_ROOT / "bin" / "_run")]
    else:
        started = ["env", f"PYTHONPATH={PROJECT_ROOT}", "PYTHONSAFEPATH=1", sys.executable, "-m"]
    return shlex.join([*started, "actp.cli.completion"])


if __name__ == "__main__":
    click.echo("\n".join(candidates(sys.argv[1:])))
