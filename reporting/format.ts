import type { Unit } from "../components/observability/dashboards/panel.ts";

function grouped(value: number, digits: number): string {
  return value.toLocaleString("en-GB", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function digitsOf(value: number): number {
  const size = Math.abs(value);
  return Number.isInteger(value) || size >= 1000 ? 0 : size >= 10 ? 1 : size >= 0.1 ? 2 : 4;
}

function seconds(value: number): string {
  return Math.abs(value) < 1 ? `${grouped(value * 1000, value === 0 ? 0 : 1)} ms` : `${grouped(value, 2)} s`;
}

function bytes(value: number): string {
  const power = value <= 0 ? 0 : Math.min(4, Math.floor(Math.log2(value) / 10));
  return `${grouped(value / 1024 ** power, power === 0 ? 0 : 1)} ${["B", "KiB", "MiB", "GiB", "TiB"][power] ?? ""}`;
}

/** A value with its unit, as people write it. */
export function formatted(value: number, unit: Unit): string {
  switch (unit) {
    case "percentunit":
      return `${grouped(value * 100, Math.abs(value) > 0.9 && Math.abs(value) < 1 ? 3 : 2)} %`;
    case "s":
      return seconds(value);
    case "currencyUSD":
      return `${grouped(value, Math.abs(value) >= 0.01 || value === 0 ? 2 : 6)} USD`;
    case "reqps":
      return `${grouped(value, digitsOf(value))} /s`;
    case "tps":
      return `${grouped(value, digitsOf(value))} tokens/s`;
    case "bytes":
      return bytes(value);
    case "mbytes":
      return bytes(value * 1024 ** 2);
    case "watt":
      return `${grouped(value, 0)} W`;
    case "celsius":
      return `${grouped(value, 0)} °C`;
    case "none":
    case "short":
      return grouped(value, digitsOf(value));
  }
}
