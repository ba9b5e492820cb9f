"""`completion`: the script by which a shell completes our commands; the candidates come from `__complete`."""

import argparse
import sys
from typing import Final

from launchplan_operator.cli.output import add_examples

_DESCRIPTION = """\
Print the completion script of a shell, for the program kubectl-launchplan.

`kubectl launchplan` itself is completed by kubectl's own completion, which finds kubectl_complete-launchplan on PATH."""
_EXAMPLES = """
  source <(kubectl launchplan completion bash)
  kubectl launchplan completion zsh > "${fpath[1]}/_kubectl-launchplan"
  kubectl launchplan completion fish > ~/.config/fish/completions/kubectl-launchplan.fish
"""
_BASH: Final = """\
# bash completion of kubectl-launchplan
_kubectl_launchplan() {
    local words line candidates=() directive=0
    words=("${COMP_WORDS[@]:1:COMP_CWORD}")
    while IFS= read -r line; do
        case "$line" in
            :*) directive="${line#:}" ;;
            *) candidates+=("${line%%$'\\t'*}") ;;
        esac
    done < <(kubectl-launchplan __complete "${words[@]}" 2>/dev/null)
    COMPREPLY=("${candidates[@]}")
    if [ "$directive" = 0 ]; then
        while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "${COMP_WORDS[COMP_CWORD]}")
        compopt -o filenames 2>/dev/null
    fi
}
complete -F _kubectl_launchplan kubectl-launchplan
"""
_ZSH: Final = """\
#compdef kubectl-launchplan
# zsh completion of kubectl-launchplan
_kubectl_launchplan() {
    local line directive=0
    local -a candidates
    while IFS= read -r line; do
        case "$line" in
            :*) directive="${line#:}" ;;
            *) candidates+=("${${line//:/\\\\:}/$'\\t'/:}") ;;
        esac
    done < <(kubectl-launchplan __complete "${(@)words[2,CURRENT]}" 2>/dev/null)
    (( ${#candidates} )) && _describe 'candidate' candidates
    [[ "$directive" == 0 ]] && _files
}
if [ "$funcstack[1]" = "_kubectl_launchplan" ]; then
    _kubectl_launchplan
else
    compdef _kubectl_launchplan kubectl-launchplan
fi
"""
_FISH: Final = """\
# fish completion of kubectl-launchplan
function __kubectl_launchplan
    set -l words (commandline -opc) (commandline -ct)
    for line in (kubectl-launchplan __complete $words[2..-1] 2>/dev/null)
        switch $line
            case ':0'
                __fish_complete_path (commandline -ct)
            case ':*'
            case '*'
                echo $line
        end
    end
end
complete -c kubectl-launchplan -f -a '(__kubectl_launchplan)'
"""
SCRIPTS: Final = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `completion`."""
    add_examples(parser, _EXAMPLES)
    parser.description = _DESCRIPTION
    parser.add_argument("shell", choices=tuple(SCRIPTS), help="the shell")


def run(options: argparse.Namespace) -> int:
    """Write the script."""
    sys.stdout.write(SCRIPTS[options.shell])
    return 0
