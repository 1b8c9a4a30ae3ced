import { machineSku, type Price } from "./price.ts";

/** On-demand price and the highest spot price over the region's zones, USD/h. */
type Row = readonly [onDemand: string, spot: string | null];

const SOURCE =
  "https://github.com/skypilot-org/skypilot-catalog/blob/00148f2/catalogs/v8/aws/vms.csv (us-east-1 rows agree with karpenter-provider-aws, generated 2026-07-20)";
const AS_OF = "2026-07-20";

/** Machines by region; a machine without a row in a region is not offered there or nobody has looked. */
const MACHINES: Readonly<Record<string, Readonly<Record<string, Row>>>> = {
  "eu-south-2": {
    "m7i.xlarge": ["0.2247", "0.0275"],
    "g6.xlarge": ["0.848", "0.172"],
    "g6.4xlarge": ["1.39423", "0.171"],
    "g6e.xlarge": ["1.961", "0.550"],
    "g6e.12xlarge": ["11.05645", "1.94"],
    "p5en.48xlarge": ["68.35968", "16.86"],
  },
  "eu-west-1": {
    "m7i.xlarge": ["0.2247", "0.1325"],
    "g5.xlarge": ["1.123", "0.577"],
    "g5.12xlarge": ["6.33167", "3.22"],
    "p4d.24xlarge": ["23.71569", "9.76"],
  },
  "eu-west-3": { "m7i.xlarge": ["0.2352", "0.0984"], "g6.xlarge": ["1.0216", null] },
  "eu-north-1": {
    "m7i.xlarge": ["0.2142", "0.0674"],
    "g5.xlarge": ["1.067", null],
    "g5.12xlarge": ["6.01593", null],
    "g6.xlarge": ["0.8536", null],
    "g6.4xlarge": ["1.40343", null],
    "g6e.xlarge": ["1.974", null],
    "g6e.12xlarge": ["11.12975", null],
    "p4d.24xlarge": ["23.71569", null],
    "p5.48xlarge": ["58.8928", "28.3"],
    "p5en.48xlarge": ["67.72672", null],
  },
  "eu-central-1": {
    "m7i.xlarge": ["0.2415", "0.1322"],
    "g5.xlarge": ["1.258", null],
    "g5.12xlarge": ["7.09282", null],
    "g6.xlarge": ["1.0064", null],
    "g6.4xlarge": ["1.65466", null],
    "g6e.xlarge": ["2.327", null],
    "g6e.12xlarge": ["13.12002", null],
    "p4d.24xlarge": ["27.43298", null],
    "p4de.24xlarge": ["34.29122", null],
  },
};

/** Prices of AWS machines by SKU. */
export function awsMachinePrices(): [string, Price][] {
  return Object.entries(MACHINES).flatMap(([region, machines]) =>
    Object.entries(machines).flatMap(([machine, [onDemand, spot]]): [string, Price][] => {
      const price = (usdPerHour: string): Price => ({ usdPerHour, source: SOURCE, asOf: AS_OF });
      return [
        [machineSku("aws", region, machine, "on-demand"), price(onDemand)],
        ...(spot === null
          ? []
          : [[machineSku("aws", region, machine, "spot"), price(spot)] satisfies [string, Price]]),
      ];
    }),
  );
}
