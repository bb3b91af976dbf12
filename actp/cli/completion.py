"""``bin/completion``: completion for bash, zsh and fish, answered by click itself."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING, Final

import click
from click.shell_completion import ShellComplete

from actp.cli.main import run
from actp.settings import PROJECT_ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["candidates", "completion"]

_BASH: Final = """\
_actp_words() {{
    local IFS=$'\\n'
    COMPREPLY=($({run} actp.cli.completion words "${{COMP_WORDS[@]:0:COMP_CWORD+1}}" 2>/dev/null))
}}
complete -o default -F _actp_words {commands}
"""
_ZSH: Final = "autoload -U +X bashcompinit && bashcompinit\n" + _BASH
_FISH: Final = """\
function _actp_words
    {run} actp.cli.completion words (commandline -opc) (commandline -ct) 2>/dev/null
end
"""
_FISH_EACH: Final = "complete -p {path} -f -a '(_actp_words)'\n"


def candidates(words: Sequence[str]) -> list[str]:
    """Return what may follow the command as typed; the last word is unfinished."""
    from actp.cli.group import actp  # noqa: PLC0415  # it brings every command

    command, *before, unfinished = words
    name = command.rpartition("/")[2]
    found = actp.get_command(click.Context(actp), name)
    if found is None:
        return []
    answer = ShellComplete(found, {}, name, "").get_completions(before, unfinished)
    return [item.value for item in answer if item.type == "plain"]


@click.command()
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
def completion(shell: str) -> None:
    """Print the completion of every command in bin/ for a shell.

    bash, zsh: eval "$(bin/completion bash)"; fish: bin/completion fish | source.
    """
    launchers = sorted(path for path in (PROJECT_ROOT / "bin").iterdir() if path.name != "_run")
    runner = shlex.quote(str(PROJECT_ROOT / "bin" / "_run"))
    if shell == "fish":
        click.echo(_FISH.format(run=runner), nl=False)
        for path in launchers:
            click.echo(_FISH_EACH.format(path=shlex.quote(str(path))), nl=False)
        return
    names = [name for path in launchers for name in (f"bin/{path.name}", str(path))]
    commands = " ".join(map(shlex.quote, names))
    template = _BASH if shell == "bash" else _ZSH
    click.echo(template.format(run=runner, commands=commands), nl=False)


if __name__ == "__main__":
    if sys.argv[1:2] == ["words"]:
        click.echo("\n".join(candidates(sys.argv[2:])))
    else:
        sys.exit(run(completion, sys.argv[1:], "bin/completion"))
