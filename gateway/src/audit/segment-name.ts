const SEGMENT = /^(\d{8})\.jsonl$/;
const WRITER = /^[a-z0-9][a-z0-9.-]{0,62}-[0-9a-f]{8}$/;

/** File name of a segment: eight digits so that names sort as numbers do. */
export function segmentName(index: number): string {
  return `${String(index).padStart(8, "0")}.jsonl`;
}

/** Index of a segment file, or null for any other name. */
export function segmentIndex(name: string): number | null {
  const match = SEGMENT.exec(name);
  return match?.[1] === undefined ? null : Number(match[1]);
}

/** Whether a directory name is a writer id (`<name>-<8 hex digits>`). */
export function isWriterId(name: string): boolean {
  return WRITER.test(name);
}
