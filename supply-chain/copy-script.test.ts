import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { copyScript, quoted } from "./copy-script.ts";
import type { Inventory } from "./inventory.ts";

const digest = `sha256:${"a".repeat(64)}`;
const mirror = { host: "mirror.example/all" };

/** Runs a script where helm, skopeo and sha256sum only write down what they were given, one argument a line. */
function calls(script: string): {
  readonly status: number | null;
  readonly calls: readonly string[];
  readonly folder: string;
} {
  const folder = mkdtempSync(join(tmpdir(), "llmops-mirror-"));
  for (const name of ["helm", "skopeo", "sha256sum"]) {
    writeFileSync(
      join(folder, name),
      `#!/bin/sh\n{ printf '%s' ${name}; for word in "$@"; do printf ' [%s]' "$word"; done; echo; } >> "${folder}/calls"\n`,
    );
    chmodSync(join(folder, name), 0o755);
  }
  writeFileSync(join(folder, "mirror.sh"), script);
  const { status } = spawnSync("/bin/sh", ["mirror.sh"], {
    cwd: folder,
    env: { PATH: `${folder}:/usr/bin:/bin` },
  });
  const written = join(folder, "calls");
  return {
    status,
    folder,
    calls: existsSync(written) ? readFileSync(written, "utf8").trim().split("\n") : [],
  };
}

const inventory: Inventory = {
  images: [
    { image: `docker.io/vllm/vllm-openai:v1@${digest}`, pinning: "digest", usedBy: ["engine"] },
    { image: `docker.io/a@${digest}`, pinning: "digest", usedBy: ["b"] },
    { image: "quay.io/c:1", pinning: "tag-only", usedBy: ["d"] },
    { image: `own.example/e@sha256:${"0".repeat(64)}`, pinning: "placeholder", usedBy: ["f"] },
    { image: "ghcr.io/kedacore/keda", pinning: "unverified", usedBy: ["chart keda"] },
  ],
  charts: [
    {
      name: "keda",
      version: "2.20.2",
      repository: "https://kedacore.github.io/charts",
      digest: { kind: "unverified", reason: "a reason\nrm -rf /" },
      usedBy: ["keda"],
    },
    {
      name: "karpenter",
      version: "1.14.1",
      repository: "oci://public.ecr.aws/karpenter",
      digest: { kind: "sha256", value: "b".repeat(64) },
      usedBy: ["karpenter"],
    },
  ],
  unknown: [],
};
const unrendered = { images: [], charts: [] } as const;
const values = [{ chart: "keda", namespace: "keda", file: "values/keda.yaml" }] as const;

describe("the script that fills a mirror", () => {
  it("copies and renders charts, then images, and leaves alone what has no bytes yet", () => {
    const { status, calls: made } = calls(
      copyScript({ stack: "s", mirror, inventory, values, rendered: unrendered }),
    );
    expect(status).toBe(0);
    expect(made).toEqual([
      "helm [pull] [keda] [--repo] [https://kedacore.github.io/charts] [--version] [2.20.2]",
      "helm [push] [keda-2.20.2.tgz] [oci://mirror.example/all/charts]",
      "helm [template] [keda] [keda-2.20.2.tgz] [--namespace] [keda] [--values] [values/keda.yaml]",
      "helm [pull] [oci://public.ecr.aws/karpenter/karpenter] [--version] [1.14.1]",
      "sha256sum [-c] [-]",
      "helm [push] [karpenter-1.14.1.tgz] [oci://mirror.example/all/charts]",
      `skopeo [copy] [--all] [--preserve-digests] [docker://docker.io/vllm/vllm-openai@${digest}] [docker://mirror.example/all/docker.io/vllm/vllm-openai:v1]`,
      `skopeo [copy] [--all] [--preserve-digests] [docker://docker.io/a@${digest}] [docker://mirror.example/all/docker.io/a@${digest}]`,
      "skopeo [copy] [--all] [--preserve-digests] [docker://quay.io/c:1] [docker://mirror.example/all/quay.io/c:1]",
    ]);
  });

  it("copies what rendering the charts showed", () => {
    const rendered = { images: ["ghcr.io/kedacore/keda:2.20.2"], charts: ["keda"] };
    const script = copyScript({ stack: "s", mirror, inventory, values, rendered });
    expect(script).not.toContain("its tag is known once the chart is rendered");
    // Karpenter is still to be rendered.
    expect(script).toContain("--rendered rendered");
    expect(calls(script).calls.at(-1)).toBe(
      "skopeo [copy] [--all] [--preserve-digests] [docker://ghcr.io/kedacore/keda:2.20.2] [docker://mirror.example/all/ghcr.io/kedacore/keda:2.20.2]",
    );
  });

  it("keeps saying what is not known of a chart that was not rendered", () => {
    const rendered = { images: ["public.ecr.aws/karpenter/controller:1.14.1"], charts: ["karpenter"] };
    expect(copyScript({ stack: "s", mirror, inventory, values, rendered })).toContain(
      "# ghcr.io/kedacore/keda (chart keda): its tag is known once the chart is rendered",
    );
  });

  it("runs nothing that a name smuggles in", () => {
    const image = "quay.io/$(touch smuggled);touch smuggled;`touch smuggled`'\ntouch smuggled\n:1";
    const { calls: made, folder } = calls(
      copyScript({
        stack: "s\ntouch smuggled",
        mirror,
        inventory: {
          images: [{ image, pinning: "tag-only", usedBy: [] }],
          charts: [],
          unknown: ["\ntouch smuggled"],
        },
        rendered: unrendered,
        values: [],
      }),
    );
    expect(made[0]).toContain("skopeo [copy]");
    expect(existsSync(join(folder, "smuggled"))).toBe(false);
  });

  it("quotes every word so that a shell reads back the same", () => {
    const words = fc.sample(fc.array(fc.string({ unit: "grapheme-ascii" }), { minLength: 1 }), 30).flat();
    const { stdout } = spawnSync("/bin/sh", ["-c", `printf '%s\\n' ${words.map(quoted).join(" ")}`], {
      encoding: "utf8",
    });
    expect(stdout).toBe(words.map((word) => `${word}\n`).join(""));
  });
});
