import { writeFileSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { ALERTMANAGER, ensureDebianTool } from "../../../tools/debian-tool.ts";
import { freePort, type Processes, type Program } from "./processes.ts";

/**
 * AlertmanagerConfig as the operator turns it into Alertmanager's own file: snake case, secrets filled in.
 * @param secrets values by `<name>/<key>` of their Secret
 */
export function alertmanagerFile(
  config: object,
  secrets: Readonly<Record<string, string>>,
): Record<string, unknown> {
  const name = (key: string): string =>
    key === "apiURL" ? "api_url" : key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const convert = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(convert);
    if (typeof value !== "object" || value === null) return value;
    const fields = value as Record<string, unknown>;
    if ("matchType" in fields) return `${String(fields["name"])}="${String(fields["value"])}"`;
    if (Object.keys(fields).sort().join() === "key,name") {
      const secret = `${String(fields["name"])}/${String(fields["key"])}`;
      return secrets[secret];
    }
    return Object.fromEntries(Object.entries(fields).map(([key, inner]) => [name(key), convert(inner)]));
  };
  return convert(config) as Record<string, unknown>;
}

/** Debian's Alertmanager reads its templates from /usr/share; an unpacked one sees its own there, in a namespace of its own. */
function program(args: readonly string[]): Program {
  const { binary, env } = ensureDebianTool(ALERTMANAGER);
  if (!isAbsolute(binary)) return { command: binary, args, env };
  const share = join(dirname(dirname(binary)), "share");
  const script = 'mount --bind "$0" /usr/share && exec "$@"';
  const namespace = ["--user", "--map-root-user", "--mount"];
  return { command: "unshare", args: [...namespace, "sh", "-c", script, share, binary, ...args], env };
}

const NAME = "alertmanager";

/** Starts Alertmanager on loopback with a configuration file, and returns its address. */
export async function startAlertmanager(
  processes: Processes,
  folder: string,
  configuration: string,
): Promise<string> {
  const file = join(folder, "alertmanager.yaml");
  writeFileSync(file, configuration);
  const [port, clusterPort] = [await freePort(), await freePort()];
  const url = `http://127.0.0.1:${port}`;
  processes.start(
    NAME,
    program([
      `--config.file=${file}`,
      `--storage.path=${join(folder, "alertmanager")}`,
      `--web.listen-address=127.0.0.1:${port}`,
      `--cluster.listen-address=127.0.0.1:${clusterPort}`,
    ]),
  );
  await processes.ready(NAME, async () => (await fetch(`${url}/-/ready`)).status === 200);
  return url;
}
