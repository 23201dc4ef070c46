/** The completion script for zsh. */
import type { CompletedCommand, CompletedOption, Values } from './vocabulary.js';

/** Uses `_arguments`, so that options, their values and their help are completed as zsh users expect. */
export function zshScript(commands: readonly CompletedCommand[]): string {
  return `#compdef disktro
# zsh completion for disktro: put this file as _disktro into a folder of $fpath.
${commands.map((command) => functionOf(command, commands)).join('\n')}
if [[ $funcstack[1] == _disktro ]]; then _disktro "$@"; else compdef _disktro disktro; fi
`;
}

function functionOf(command: CompletedCommand, commands: readonly CompletedCommand[]): string {
  const prefix = command.path === '' ? '' : `${command.path} `;
  const inner = commands.filter(
    ({ path }) =>
      path.startsWith(prefix) && !path.slice(prefix.length).includes(' ') && path !== command.path,
  );
  const isParent = inner.length > 0;
  const options = command.options.map((option) => `    ${optionSpec(option)}`).join(' \\\n');
  const rest = isParent ? "    '1: :->command' '*:: :->inner'" : `    '*: :${action(command.operands)}'`;
  const body = `  _arguments -s -S \\\n${options} \\\n${rest}`;
  if (!isParent) return `${nameOf(command)}() {\n${body}\n}`;
  const described = inner
    .map(({ path, help }) => `      '${path.slice(prefix.length)}:${quoted(help)}'`)
    .join('\n');
  const cases = inner.map((one) => `        ${one.path.slice(prefix.length)}) ${nameOf(one)} ;;`).join('\n');
  return `${nameOf(command)}() {
  local state line curcontext=$curcontext
  typeset -A opt_args
${body}
  case $state in
    command)
      local -a commands=(
${described}
      )
      _describe command commands
      ;;
    inner)
      case $words[1] in
${cases}
      esac
      ;;
  esac
}`;
}

const nameOf = ({ path }: CompletedCommand): string =>
  `_disktro${path === '' ? '' : `_${path.replaceAll(' ', '_')}`}`;

/** \`{-o,--output}'[where to write]:value:_files'\`. */
function optionSpec({ names, help, value }: CompletedOption): string {
  const text = `[${quoted(help).replaceAll('[', '(').replaceAll(']', ')')}]`;
  const argument = value === undefined ? '' : `:value:${action(value)}`;
  const shown = names.length === 1 ? `'*${names[0]}` : `'*'{${names.join(',')}}'`;
  return `${shown}${text}${argument}'`;
}

function action(values: Values): string {
  if (values === 'files') return '_files';
  return values === 'unknown' ? ' ' : `(${values.join(' ')})`;
}

/** For the inside of single quotes, where a colon parts fields. */
const quoted = (text: string): string => text.replaceAll("'", "'\\''").replaceAll(':', '\\:');
