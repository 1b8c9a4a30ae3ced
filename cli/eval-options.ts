import { InvalidArgumentError } from "commander";
import type { TokenPrice } from "../evals/run/spend.ts";
import { wholeNumberFrom } from "./number-options.ts";

/** Reads a whole number from 1. @throws InvalidArgumentError when the text is none */
export const whole = wholeNumberFrom(1);

/** Reads prices, USD per million tokens. @throws InvalidArgumentError when the text is not two of them */
export function price(text: string): TokenPrice {
  const [input, output] = text.split(",").map(Number);
  if (input === undefined || output === undefined || !(input >= 0) || !(output >= 0))
    throw new InvalidArgumentError(`'${text}' is not <input>,<output> in USD per million tokens`);
  return { inputUsdPerMillion: input, outputUsdPerMillion: output };
}

/** Nothing is paid by the token. */
export const FREE: TokenPrice = { inputUsdPerMillion: 0, outputUsdPerMillion: 0 };

/** Reads an amount, USD. @throws InvalidArgumentError when the text is none */
export function usd(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= 0)) throw new InvalidArgumentError(`'${text}' is not an amount`);
  return value;
}
