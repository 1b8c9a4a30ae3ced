import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  ensureTool,
  goProblem,
  KEDA,
  KUBERNETES,
  programs,
  PULUMI,
  toolFolder,
  ToolError,
  VEGETA,
  UPSTREAM_TOOLS,
} from "./go-tool.ts";

describe("goProblem", () => {
  it.each([
    ["go1.26.8", "1.26"],
    ["go1.27rc1", "1.26"],
    ["go2.0", "1.26"],
    ["go1.26.6", "1.26.6"],
    ["go1.27", "1.26.6"],
  ])("accepts %s for %s", (found, required) => {
    expect(goProblem(found, required)).toBeUndefined();
  });

  it.each([
    ["go1.25.11", "1.26", "Go 1.26 or later is needed, found go1.25.11"],
    ["go1.3", "1.26", "Go 1.26 or later is needed, found go1.3"],
    ["go1.26.5", "1.26.6", "Go 1.26.6 or later is needed, found go1.26.5"],
    ["", "1.26", "Go 1.26 or later is needed, found none"],
    ["devel", "1.26", "Go 1.26 or later is needed, found devel"],
    ["go1.26.8", "", "Go  or later is needed, found go1.26.8"],
  ])("refuses %j for %j", (found, required, problem) => {
    expect(goProblem(found, required)).toBe(problem);
  });
});

describe("programs", () => {
  it.each([
    [PULUMI, ["pulumi"]],
    [VEGETA, ["vegeta"]],
    [KUBERNETES, ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl"]],
  ])("are called as their packages: $name", (tool, names) => {
    expect(programs(tool)).toEqual(names);
  });
});

describe("the pinned modules", () => {
  it.each(UPSTREAM_TOOLS)(
    "$name declares every package at the version the tool says",
    ({ folder, packages, version }) => {
      const text = readFileSync(join(import.meta.dirname, folder, "go.mod"), "utf8");
      for (const each of packages) expect(text).toMatch(new RegExp(`^(tool |\\t)${each}$`, "m"));
      const required = [...text.matchAll(/^\t(\S+) (v\S+)/gm)].filter(([, module = ""]) =>
        packages.every((each) => each === module || each.startsWith(`${module}/`)),
      );
      expect(required.map(([, , found]) => found)).toContain(version);
    },
  );
});

describe("ensureTool", () => {
  let folder: string;

  /** A `go` that reports a version and runs shell lines for `go build ... -o $target/`. */
  const fakeGo = (version: string, onBuild: string): void => {
    const file = join(folder, "go");
    writeFileSync(
      file,
      `#!/bin/sh
if [ "$1" = env ]; then echo ${version}; exit 0; fi
while [ "$1" != -o ]; do shift; done
target="$2"; mkdir -p "$target"
echo build >> '${folder}/builds'
${onBuild}
`,
    );
    chmodSync(file, 0o755);
  };
  const quiet = (): void => undefined;
  const cached = (): string[] => {
    const tools = dirname(toolFolder(PULUMI));
    return existsSync(tools) ? readdirSync(tools) : [];
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "llmops-tool-"));
    vi.stubEnv("PATH", [folder, "/usr/bin", "/bin"].join(delimiter));
    vi.stubEnv("XDG_CACHE_HOME", join(folder, "cache"));
  });

  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true, force: true });
  });

  it("builds once and then answers from the cache", async () => {
    fakeGo("go1.26.8", `echo engine > "$target/pulumi"`);
    const first = await ensureTool(PULUMI, quiet);
    rmSync(join(folder, "go"));
    expect(await ensureTool(PULUMI, quiet)).toBe(first);
    expect(existsSync(join(first, "bin", "pulumi"))).toBe(true);
  });

  it("builds again when a program of the tool is missing", async () => {
    fakeGo("go1.26.8", `echo operator > "$target/operator"; echo adapter > "$target/adapter"`);
    const built = await ensureTool(KEDA, quiet);
    rmSync(join(built, "bin", "adapter"));
    await ensureTool(KEDA, quiet);
    expect(readdirSync(join(built, "bin")).sort()).toEqual(["adapter", "operator"]);
    expect(readFileSync(join(folder, "builds"), "utf8")).toBe("build\nbuild\n");
  });

  it("builds once for two who ask at the same time, and leaves one folder", async () => {
    fakeGo("go1.26.8", `sleep 0.2; echo engine > "$target/pulumi"`);
    const folders = await Promise.all([ensureTool(PULUMI, quiet), ensureTool(PULUMI, quiet)]);
    expect(new Set(folders).size).toBe(1);
    expect(readFileSync(join(folder, "builds"), "utf8")).toBe("build\n");
    expect(cached()).toHaveLength(1);
  });

  it("says what the compiler said and leaves nothing behind when the build fails", async () => {
    fakeGo("go1.26.8", `echo partial > "$target/pulumi"; echo "no such module" >&2; exit 1`);
    const failure = ensureTool(PULUMI, quiet);
    await expect(failure).rejects.toThrow(ToolError);
    await expect(failure).rejects.toThrow("ended with 1:\nno such module");
    expect(cached()).toEqual([]);
  });

  it("names the version it needs when Go is too old", async () => {
    fakeGo("go1.25.1", "exit 9");
    await expect(ensureTool(PULUMI, quiet)).rejects.toThrow("Go 1.26.6 or later is needed, found go1.25.1");
  });

  it("says how to get Go when there is none", async () => {
    vi.stubEnv("PATH", folder);
    await expect(ensureTool(PULUMI, quiet)).rejects.toThrow(
      "Go 1.26.6 or later is needed, found none: pulumi v3.259.0 is built from its Go module. Install Go from https://go.dev/dl",
    );
  });
});
