/** The completion script for fish. */
import type { CompletedCommand, CompletedOption, Values } from './vocabulary.js';

export function fishScript(commands: readonly CompletedCommand[]): string {
  const names = commands
    .slice(1)
    .map(({ path }) => quoted(path))
    .join(' ');
  return `# fish completion for disktro: put this file into ~/.config/fish/completions.
# Prints the command that stands on the line so far, such as "key add".
function __disktro_command
    set -l path
    set -l skip
    for word in (commandline -opc)[2..-1]
        if test -n "$skip"
            set skip
            continue
        end
        switch $word
            case ${valueOptions(commands)}
                set skip 1
            case '-*'
            case '*'
                set -l longer (string join ' ' $path $word)
                contains -- $longer ${names}
                and set path $longer
        end
    end
    echo "$path"
end
function __disktro_at
    test (__disktro_command) = "$argv"
end
complete -c disktro -f
${commands.flatMap((command) => linesOf(command, commands)).join('\n')}
`;
}

function valueOptions(commands: readonly CompletedCommand[]): string {
  const taking = commands.flatMap(({ options }) => options.filter(({ value }) => value !== undefined));
  return [...new Set(taking.flatMap(({ names }) => names))].join(' ');
}

function linesOf(command: CompletedCommand, commands: readonly CompletedCommand[]): string[] {
  const at = `complete -c disktro -n ${quoted(`__disktro_at ${command.path}`)}`;
  return [
    ...operandLines(command, commands, at),
    ...command.options.map((option) => `${at}${optionWords(option)}`),
  ];
}

function operandLines(
  command: CompletedCommand,
  commands: readonly CompletedCommand[],
  at: string,
): string[] {
  const { operands, path } = command;
  if (operands === 'files') return [`${at} -F`];
  if (operands === 'unknown') return [];
  return operands.map((word) => {
    const help = commands.find((one) => one.path === (path === '' ? word : `${path} ${word}`))?.help;
    return `${at} -a ${quoted(word)}${help === undefined ? '' : ` -d ${quoted(help)}`}`;
  });
}

function optionWords({ names, help, value }: CompletedOption): string {
  const flags = names.map((name) =>
    name.startsWith('--') ? ` -l ${name.slice(2)}` : ` -s ${name.slice(1)}`,
  );
  return `${flags.join('')} -d ${quoted(help)}${valueWords(value)}`;
}

function valueWords(value: Values | undefined): string {
  if (value === undefined) return '';
  if (value === 'files') return ' -r -F';
  return value === 'unknown' ? ' -x' : ` -x -a ${quoted(value.join(' '))}`;
}

const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
