/**
 * Colours on a terminal: `--color` > `NO_COLOR` > `FORCE_COLOR` > is it a terminal.
 * The one importer of chalk, loaded only when something is to be coloured.
 */
export type ColorMode = 'auto' | 'always' | 'never';

type Paint = (text: string) => string;

/** What a piece of text is; how that looks is decided here. */
export interface Style {
  readonly error: Paint;
  readonly warning: Paint;
  readonly good: Paint;
  readonly faint: Paint;
  readonly heading: Paint;
}

const same: Paint = (text) => text;

export const PLAIN_STYLE: Style = { error: same, warning: same, good: same, faint: same, heading: same };

export function wantsColor(mode: ColorMode, isTerminal: boolean, env: NodeJS.ProcessEnv): boolean {
  if (mode !== 'auto') return mode === 'always';
  if (env.NO_COLOR) return false;
  if (env.FORCE_COLOR !== undefined) return env.FORCE_COLOR !== '0' && env.FORCE_COLOR !== 'false';
  return isTerminal && env.TERM !== 'dumb';
}

export async function loadStyle(isColored: boolean): Promise<Style> {
  if (!isColored) return PLAIN_STYLE;
  const { Chalk } = await import('chalk');
  const chalk = new Chalk({ level: 1 });
  return {
    error: (text) => chalk.red(text),
    warning: (text) => chalk.yellow(text),
    good: (text) => chalk.green(text),
    faint: (text) => chalk.dim(text),
    heading: (text) => chalk.bold(text),
  };
}
