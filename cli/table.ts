import Table from "cli-table3";

/** An empty table without colours. */
export function plainTable(options: Table.TableConstructorOptions = {}): Table.Table {
  return new Table({ ...options, style: { ...options.style, head: [], border: [] } });
}
