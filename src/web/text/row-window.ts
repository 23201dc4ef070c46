/**
 * Which rows of a long list are in sight, and where a key moves to. Only arithmetic.
 */

/** Rows drawn above and below what is in sight, so that scrolling shows no gaps. */
const MARGIN = 8;

export interface Sight {
  readonly top: number;
  readonly height: number;
  readonly rowHeight: number;
  readonly count: number;
  /** Drawn in any case: it has the focus. */
  readonly active: number;
}

/** Indexes in ascending order. */
export function rowsInSight({ top, height, rowHeight, count, active }: Sight): readonly number[] {
  if (count === 0) return [];
  const first = Math.max(0, Math.min(count - 1, Math.floor(top / rowHeight)) - MARGIN);
  const end = Math.min(count, Math.ceil((top + height) / rowHeight) + MARGIN);
  const rows = Array.from({ length: Math.max(0, end - first) }, (_, offset) => first + offset);
  if (active < first) return [active, ...rows];
  return active >= end && active < count ? [...rows, active] : rows;
}

/** The row that a key moves the focus to; undefined when the key moves nothing. */
export function stepOf(key: string, index: number, count: number, page: number): number | undefined {
  const last = Math.max(0, count - 1);
  const targets: Readonly<Record<string, number>> = {
    ArrowDown: index + 1,
    ArrowUp: index - 1,
    PageDown: index + page,
    PageUp: index - page,
    Home: 0,
    End: last,
  };
  const target = targets[key];
  return target === undefined ? undefined : Math.max(0, Math.min(last, target));
}
