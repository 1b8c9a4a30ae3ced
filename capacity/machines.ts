import { instanceFor, type Accelerator, type GpuCloud } from "../components/gpu/accelerators.ts";
import { priceOf } from "../pricing/catalog.ts";
import { machineSku } from "../pricing/price.ts";

/** A machine and what the GPUs of one replica in it cost. */
export interface PricedMachine {
  readonly machine: string;
  /** List price of the share that a replica takes, on demand, USD/h. */
  readonly usdPerHour: number;
}

/** Cheapest machine of a region with enough of a GPU, by list price; undefined when none is offered or priced. */
export function cheapestMachine(
  { cloud, region }: { readonly cloud: GpuCloud; readonly region: string },
  accelerator: Accelerator,
  gpus: number,
): PricedMachine | undefined {
  return ([1, 2, 4, 8] as const)
    .filter((count) => count >= gpus)
    .flatMap((count): PricedMachine[] => {
      const machine = instanceFor(cloud, accelerator, count);
      const price =
        machine === undefined ? undefined : priceOf(machineSku(cloud, region, machine, "on-demand"));
      return machine === undefined || price === undefined
        ? []
        : [{ machine, usdPerHour: (Number(price.usdPerHour) * gpus) / count }];
    })
    .sort((a, b) => a.usdPerHour - b.usdPerHour)
    .at(0);
}
