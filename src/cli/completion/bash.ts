/** The completion script for bash. */
import type { CompletedCommand, CompletedOption, Values } from './vocabulary.js';

/** Works with plain bash: the bash-completion package is not needed. */
export function bashScript(commands: readonly CompletedCommand[]): string {
  return `# bash completion for disktro: source this file, or put it where bash-completion looks.
_disktro() {
  local cur=\${COMP_WORDS[COMP_CWORD]} word path= skip= operands= value= options= i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [[ $skip ]]; then skip=; continue; fi
    case "$word" in
      --) break ;;
      ${pattern(commands, (option) => option.value !== undefined)}) skip=1 ;;
      -*) ;;
      *)
        case "\${path:+$path }$word" in
          ${commands.slice(1).map(quotedPath).join(' | ')}) path="\${path:+$path }$word" ;;
        esac
        ;;
    esac
  done
  if [[ $skip ]]; then
    case "$path \${COMP_WORDS[COMP_CWORD-1]}" in
${valueCases(commands)}
    esac
  else
    case "$path" in
${commands.map(commandCase).join('\n')}
    esac
    [[ $cur == -* ]] && value="words $options" || value=$operands
  fi
  COMPREPLY=()
  case "$value" in
    files) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
    words\\ *) mapfile -t COMPREPLY < <(compgen -W "\${value#words }" -- "$cur") ;;
  esac
}
complete -F _disktro disktro
`;
}

const quotedPath = ({ path }: CompletedCommand): string => `'${path}'`;

function pattern(
  commands: readonly CompletedCommand[],
  isMeant: (option: CompletedOption) => boolean,
): string {
  const options = commands.flatMap((command) => command.options.filter(isMeant));
  return [...new Set(options.flatMap((option) => option.names))].join(' | ');
}

function valueCases(commands: readonly CompletedCommand[]): string {
  const cases = commands.flatMap(({ path, options }) =>
    options.flatMap(({ names, value }) =>
      value === undefined || value === 'unknown'
        ? []
        : [`      ${names.map((name) => `'${path} ${name}'`).join(' | ')}) value='${words(value)}' ;;`],
    ),
  );
  return cases.join('\n');
}

function commandCase({ path, options, operands }: CompletedCommand): string {
  const names = options.flatMap((option) => option.names).join(' ');
  return `      '${path}') operands='${words(operands)}' options='${names}' ;;`;
}

const words = (values: Values): string => (typeof values === 'string' ? values : `words ${values.join(' ')}`);
