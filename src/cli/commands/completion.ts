/** `disktro completion`: a script that completes commands and options. Ids are not completed: that needs the key. */
import { usageError } from '../../errors.js';
import { bashScript } from '../completion/bash.js';
import { fishScript } from '../completion/fish.js';
import { type CompletedCommand, vocabulary } from '../completion/vocabulary.js';
import { zshScript } from '../completion/zsh.js';
import type { Context } from '../context.js';

const SCRIPTS: Readonly<Record<string, (commands: readonly CompletedCommand[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

export async function run({ output, specs }: Context, [shell = '']: readonly string[]): Promise<void> {
  const script = Object.hasOwn(SCRIPTS, shell) ? SCRIPTS[shell] : undefined;
  if (script === undefined) {
    throw usageError(`expected one of ${Object.keys(SCRIPTS).join(', ')}, got ${JSON.stringify(shell)}`);
  }
  output.result(script(vocabulary(specs)).trimEnd());
}
