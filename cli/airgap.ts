import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { stringify } from "yaml";
import { CHART_NAMES } from "../charts/catalog.ts";
import { graphOfManifests } from "../graph/manifests.ts";
import { resolve } from "../plan/manifests.ts";
import { planStack } from "../plan/stack-plan.ts";
import type { PlatformConfig } from "../stacks/schema/platform.ts";
import { registryMirror } from "../stacks/schema/registry-mirror.ts";
import { readStack } from "../stacks/schema/stack-file.ts";
import { copyScript } from "../supply-chain/copy-script.ts";
import { imagesOfObjects, inventoryOf, outsideMirror, type Inventory } from "../supply-chain/inventory.ts";
import { isMirrored, originalImage, type RegistryMirror } from "../supply-chain/mirror.ts";
import { EXIT, print, printJson, progress, STACKS_FOLDER } from "./context.ts";
import { plainTable } from "./table.ts";

interface ListOptions {
  readonly stack: string;
  readonly mirror?: RegistryMirror;
  readonly rendered?: readonly string[];
  readonly json?: true;
}

/** What a stack takes from outside, and what its mirror leaves open. */
interface Takings extends Inventory {
  readonly mirror?: RegistryMirror;
  /** Images of the charts, as rendered. */
  readonly rendered: readonly string[];
  /** Fetched while it runs: weights, answers of providers. */
  readonly atRunTime: readonly string[];
  /** Why the stack would not run behind its mirror alone; empty without a mirror. */
  readonly outside: readonly string[];
}

function fetchedAtRunTime({ models, providers }: PlatformConfig): string[] {
  return [
    ...models.flatMap(({ name, source }) =>
      source.kind === "hub"
        ? `model ${name} fetches ${source.repository}@${source.revision} from huggingface.co; give it an s3, gs or oci source`
        : [],
    ),
    ...providers.map(({ name }) => `provider ${name} is asked over the internet`),
  ];
}

function imagesOfRendering(places: readonly string[], stack: string): string[] {
  const images = places.flatMap((place) => imagesOfObjects(graphOfManifests(place, "llmops", stack)));
  return [...new Set(images.map(({ image }) => image))].sort();
}

/** Whether a place has the rendering of a chart: a file of its name that is not empty, as a failed `helm template` leaves it. */
function hasRendering(place: string, chart: string): boolean {
  const file = statSync(place).isDirectory() ? join(place, `${chart}.yaml`) : place;
  return (
    basename(file) === `${chart}.yaml` &&
    statSync(file, { throwIfNoEntry: false }) !== undefined &&
    readFileSync(file, "utf8").trim() !== ""
  );
}

/** Charts of a stack without a rendering; all before anybody rendered. */
function notRendered({ charts }: Inventory, places: readonly string[]): string[] {
  return charts.map(({ name }) => name).filter((name) => !places.some((place) => hasRendering(place, name)));
}

/** The stack without its mirror, and the mirror: the one that was asked for, else its own. */
function readMirrored({ stack, mirror }: ListOptions): {
  readonly config: PlatformConfig;
  readonly mirror: RegistryMirror | undefined;
} {
  const { registryMirror, ...config } = readStack(STACKS_FOLDER, stack);
  return { config, mirror: mirror ?? registryMirror };
}

/** Parses `--mirror`. @throws InvalidArgumentError when it is no registry */
function mirrorOf(host: string): RegistryMirror {
  const parsed = registryMirror.safeParse({ host });
  if (parsed.data === undefined)
    throw new InvalidArgumentError(`'${host}' ${parsed.error?.issues[0]?.message ?? "is no registry"}`);
  return parsed.data;
}

function saidOfMissing(chart: string): string {
  return `chart ${chart} was not rendered: --rendered has no ${chart}.yaml with objects, so nobody knows what it takes from where`;
}

/** Plan without the mirror says where everything comes from; plan with it, what is left. */
async function takingsOf(options: ListOptions): Promise<Takings> {
  const { stack, rendered: places } = options;
  const { config, mirror } = readMirrored(options);
  const inventory = inventoryOf((await planStack(stack, config)).plan.graph);
  const rendered = imagesOfRendering(places ?? [], stack);
  const atRunTime = fetchedAtRunTime(config);
  const missing = places === undefined ? [] : notRendered(inventory, places).map(saidOfMissing);
  if (mirror === undefined)
    return {
      ...inventory,
      unknown: [...inventory.unknown, ...missing],
      rendered,
      atRunTime,
      outside: [],
    };
  const { plan } = await planStack(stack, { ...config, registryMirror: mirror });
  return {
    ...inventory,
    mirror,
    rendered,
    atRunTime,
    outside: [
      ...outsideMirror(plan.graph, mirror),
      ...rendered
        .filter((image) => !isMirrored(image, mirror))
        .map((image) => `a rendered chart takes ${image} from elsewhere than ${mirror.host}`),
      ...missing,
      ...atRunTime,
    ],
  };
}

function printTakings(stack: string, takings: Takings): void {
  const { images, charts, unknown, rendered, atRunTime, mirror } = takings;
  const imageTable = plainTable({ head: ["image", "pinned by", "used by"] });
  for (const { image, pinning, usedBy } of images) imageTable.push([image, pinning, usedBy.join("\n")]);
  const chartTable = plainTable({
    head: ["chart", "version", "repository", "digest of the archive"],
  });
  for (const { name, version, repository, digest } of charts)
    chartTable.push([name, version, repository, digest.kind === "sha256" ? digest.value : "unverified"]);
  print(`Images of stack ${stack}`);
  print(imageTable.toString());
  print("\nCharts");
  print(chartTable.toString());
  if (rendered.length > 0) print(`\nImages of the rendered charts\n${rendered.join("\n")}`);
  for (const text of atRunTime) print(`At run time: ${text}`);
  for (const text of unknown) print(`Not known: ${text}`);
  if (charts.length > 0 && rendered.length === 0)
    print(
      "\nImages of charts are those their values files name; only rendering a chart shows all of them and their tags: `llmops airgap script` renders, `--rendered` reads the result.",
    );
  print(
    "Images the cloud starts itself (DNS, network and storage add-ons, operating systems) come from its own registries in the region and are not listed.",
  );
  if (mirror !== undefined) print(`Mirror: ${mirror.host}; left outside: ${takings.outside.length}`);
}

async function list(options: ListOptions): Promise<void> {
  const takings = await takingsOf(options);
  if (options.json === true) printJson({ stack: options.stack, ...takings });
  else printTakings(options.stack, takings);
  for (const text of takings.outside) progress(`error: ${text}`);
  if (takings.outside.length > 0) process.exitCode = EXIT.findings;
}

interface ScriptOptions extends ListOptions {
  readonly out: string;
}

async function script(options: ScriptOptions): Promise<void> {
  const { stack, out, rendered: places } = options;
  const { config, mirror } = readMirrored(options);
  if (mirror === undefined)
    throw new InvalidArgumentError(
      `--stack: ${stack} has no registryMirror; write registryMirror: { host: <registry> } into its file, or give --mirror`,
    );
  const [plain, mirrored] = [
    (await planStack(stack, config)).plan,
    (await planStack(stack, { ...config, registryMirror: mirror })).plan,
  ];
  const values = mirrored.helmReleases.flatMap(({ release, namespace, values: content }) => {
    const chart = CHART_NAMES.find((name) => name === release);
    return chart === undefined ? [] : { chart, namespace, content, file: `values/${chart}.yaml` };
  });
  mkdirSync(join(out, "values"), { recursive: true });
  for (const { file, content } of values)
    writeFileSync(join(out, file), stringify(resolve(content), { lineWidth: 0 }));
  const inventory = inventoryOf(plain.graph);
  const images = imagesOfRendering(places ?? [], stack).map((image) => originalImage(image, mirror));
  const missing = notRendered(inventory, places ?? []);
  const text = copyScript({
    stack,
    mirror,
    inventory,
    rendered: {
      images,
      charts: inventory.charts.map(({ name }) => name).filter((name) => !missing.includes(name)),
    },
    values,
  });
  if (places !== undefined) for (const chart of missing) progress(`warning: ${saidOfMissing(chart)}`);
  writeFileSync(join(out, "mirror.sh"), text, { mode: 0o755 });
  if (options.json === true)
    printJson({ script: join(out, "mirror.sh"), charts: values.map(({ chart }) => chart) });
  else
    print(
      `wrote ${join(out, "mirror.sh")} and the values of ${values.length} charts; read it, then run it there`,
    );
}

function mirrorOption(): Option {
  return new Option(
    "--mirror <host>",
    "registry to take everything from, instead of the stack's own",
  ).argParser(mirrorOf);
}

/** `llmops airgap`: what a stack takes from registries, and how to take it from one's own. */
export function airgapCommand(): Command {
  const rendered = [
    "--rendered <place...>",
    "files or folders `helm template` wrote for the charts, with the values of `airgap script`",
  ] as const;
  return new Command("airgap")
    .description("run a stack from a registry of one's own")
    .addCommand(
      new Command("list")
        .description(
          "every image and chart with its digest; with a mirror, what would still come from elsewhere",
        )
        .requiredOption("-s, --stack <stack>", "stack to list")
        .addOption(mirrorOption())
        .option(...rendered)
        .option("--json", "print JSON")
        .action(list),
    )
    .addCommand(
      new Command("script")
        .description("a shell script that copies charts (helm) and images (skopeo) into the stack's mirror")
        .requiredOption("-s, --stack <stack>", "stack to copy for")
        .addOption(mirrorOption())
        .option(...rendered)
        .requiredOption("--out <folder>", "folder for the script and the values of the charts")
        .option("--json", "print JSON")
        .action(script),
    );
}
