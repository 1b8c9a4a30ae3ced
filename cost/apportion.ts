import { Decimal } from "decimal.js";

/**
 * Splits an amount of whole cents over weights by the largest remainder, so that the parts are whole cents and add up to it
 * exactly.
 * @throws RangeError when a weight is negative, or nothing can take the amount
 */
export function apportion(usd: string, weights: readonly Decimal.Value[]): string[] {
  const exact = weights.map((weight) => new Decimal(weight));
  const negative = exact.findIndex((weight) => weight.isNegative() && !weight.isZero());
  if (negative >= 0)
    throw new RangeError(`weight ${negative} is negative: ${exact[negative]?.toString() ?? ""}`);
  const sum = exact.reduce((total, weight) => total.plus(weight), new Decimal(0));
  const cents = new Decimal(usd).times(100).round();
  if (sum.isZero()) {
    if (!cents.isZero()) throw new RangeError(`nothing can take ${usd} USD: every weight is 0`);
    return weights.map(() => "0.00");
  }
  const shares = exact.map((weight) => cents.times(weight).div(sum));
  const whole = shares.map((share) => share.floor());
  const left = cents.minus(whole.reduce((total, part) => total.plus(part), new Decimal(0))).toNumber();
  const first = shares
    .map((share, index) => ({ index, remainder: share.minus(share.floor()) }))
    .sort((a, b) => b.remainder.comparedTo(a.remainder) || a.index - b.index)
    .slice(0, left)
    .map(({ index }) => index);
  return whole.map((part, index) =>
    part
      .plus(first.includes(index) ? 1 : 0)
      .div(100)
      .toFixed(2),
  );
}

/** Sum of amounts, in whole cents. */
export function sumOf(amounts: readonly string[]): string {
  return amounts.reduce((total, amount) => total.plus(amount), new Decimal(0)).toFixed(2);
}
