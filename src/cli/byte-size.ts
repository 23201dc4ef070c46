/** Sizes as people write them: `500`, `64K`, `10M`, `2G`, `1T`; a K is 1024. Pure. */

const SHIFTS: Readonly<Record<string, number>> = { '': 0, K: 1, M: 2, G: 3, T: 4 };

/** @returns undefined for what is no size, or more bytes than a number holds exactly */
export function byteSize(text: string): number | undefined {
  const [, digits, unit = ''] = /^(\d{1,15})([KMGT]?)$/i.exec(text) ?? [];
  if (digits === undefined) return undefined;
  const bytes = Number(digits) * 1024 ** (SHIFTS[unit.toUpperCase()] ?? 0);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}
