import { InvalidArgumentError } from "commander";

/** Reads a number above 0. @throws InvalidArgumentError otherwise */
export function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value < Infinity)) throw new InvalidArgumentError(`'${text}' is not a number above 0`);
  return value;
}

/** Reads a number within bounds, both included; the reader throws InvalidArgumentError otherwise. */
export function numberFrom(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!(value >= least && value <= most))
      throw new InvalidArgumentError(`'${text}' is not a number from ${least} to ${most}`);
    return value;
  };
}

/** Reads a whole number within bounds, both included; the reader throws InvalidArgumentError otherwise. */
export function wholeNumberFrom(least: number, most = Infinity): (text: string) => number {
  const bounds = most === Infinity ? `${least}` : `${least} to ${most}`;
  return (text) => {
    const value = Number(text);
    if (!(Number.isInteger(value) && value >= least && value <= most))
      throw new InvalidArgumentError(`'${text}' is not a whole number from ${bounds}`);
    return value;
  };
}
