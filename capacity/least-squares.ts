/** One equation: `factors · x = 1`, that is, an observation divided by its value. */
export type Equation = readonly number[];

function solve(matrix: number[][], right: number[]): number[] | undefined {
  const size = right.length;
  const rows = matrix.map((row, index) => [...row, right[index] ?? 0]);
  for (let column = 0; column < size; column++) {
    const pivot = rows
      .slice(column)
      .reduce(
        (best, row, offset) =>
          Math.abs(row[column] ?? 0) > Math.abs(rows[best]?.[column] ?? 0) ? column + offset : best,
        column,
      );
    const pivotRow = rows[pivot];
    const current = rows[column];
    if (pivotRow === undefined || current === undefined) return undefined;
    const value = pivotRow[column] ?? 0;
    if (Math.abs(value) < 1e-12) return undefined;
    rows[pivot] = current;
    rows[column] = pivotRow.map((entry) => entry / value);
    for (let row = 0; row < size; row++) {
      if (row === column) continue;
      const factor = rows[row]?.[column] ?? 0;
      rows[row] = (rows[row] ?? []).map((entry, index) => entry - factor * (rows[column]?.[index] ?? 0));
    }
  }
  return rows.map((row) => row[size] ?? 0);
}

function residual(equations: readonly Equation[], x: readonly number[]): number {
  return equations.reduce((sum, factors) => {
    const error = factors.reduce((total, factor, index) => total + factor * (x[index] ?? 0), 0) - 1;
    return sum + error * error;
  }, 0);
}

/**
 * Non-negative least squares by trying every set of positive unknowns: exact, and cheap for the four unknowns it is used for.
 * Unknowns are scaled by their column first, so that units do not matter.
 */
export function nonNegativeLeastSquares(equations: readonly Equation[]): number[] {
  const unknowns = equations[0]?.length ?? 0;
  const scales = Array.from({ length: unknowns }, (_, column) =>
    Math.max(1e-300, ...equations.map((factors) => Math.abs(factors[column] ?? 0))),
  );
  const scaled = equations.map((factors) => factors.map((factor, column) => factor / (scales[column] ?? 1)));
  let best: number[] = Array.from({ length: unknowns }, () => 0);
  let least = residual(scaled, best);
  for (let set = 1; set < 2 ** unknowns; set++) {
    const chosen = Array.from({ length: unknowns }, (_, index) => index).filter(
      (index) => (set >> index) & 1,
    );
    const column = (row: Equation, index: number): number => row[index] ?? 0;
    const matrix = chosen.map((i) =>
      chosen.map((j) => scaled.reduce((sum, row) => sum + column(row, i) * column(row, j), 0)),
    );
    const right = chosen.map((i) => scaled.reduce((sum, row) => sum + column(row, i), 0));
    const solution = solve(matrix, right);
    if (solution?.every((value) => value >= 0) !== true) continue;
    const candidate = Array.from({ length: unknowns }, (_, index) => solution[chosen.indexOf(index)] ?? 0);
    const error = residual(scaled, candidate);
    if (error < least) [best, least] = [candidate, error];
  }
  return best.map((value, column) => value / (scales[column] ?? 1));
}
