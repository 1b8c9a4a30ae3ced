import Table from "cli-table3";

type Row = Table.Table[number];

/** Characters above a row that goes on from the one before. */
const NO_BORDER = { mid: "", "mid-mid": "", "left-mid": "", "right-mid": "" };

/** A row for each line of the cells, which looks the same: the library takes quadratic time over a cell of many lines. */
function linesOf(row: Row): Row[] {
  if (!Array.isArray(row)) return [row];
  const cells = row.map((cell) => {
    const options = typeof cell === "object" && cell !== null ? cell : { content: cell };
    return { options, lines: String(options.content ?? "").split("\n") };
  });
  const height = Math.max(...cells.map(({ lines }) => lines.length));
  return Array.from({ length: height }, (_, line) =>
    cells.map(({ options, lines }) => ({
      ...options,
      content: lines[line] ?? "",
      ...(line === 0 ? {} : { chars: NO_BORDER }),
    })),
  );
}

class PlainTable extends Table {
  override push(...rows: Row[]): number {
    return super.push(...rows.flatMap(linesOf));
  }
}

/** An empty table without colours. */
export function plainTable(options: Table.TableConstructorOptions = {}): Table.Table {
  return new PlainTable({ ...options, style: { ...options.style, head: [], border: [] } });
}
