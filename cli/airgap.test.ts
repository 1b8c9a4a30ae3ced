import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { run } from "./testing/run.ts";

const MIRROR = ["--mirror", "mirror.example/all"];

interface Listed {
  readonly images: readonly { readonly image: string; readonly pinning: string }[];
  readonly charts: readonly { readonly name: string; readonly digest: { readonly kind: string } }[];
  readonly outside: readonly string[];
}

/** Charts of dev, each as a file with pods of these images. */
function rendering(charts: Readonly<Record<string, readonly string[]>>): string {
  const folder = mkdtempSync(join(tmpdir(), "llmops-rendered-"));
  for (const [chart, images] of Object.entries({ ...OTHERS, ...charts }))
    writeFileSync(join(folder, `${chart}.yaml`), podsOf(images));
  return folder;
}

const OTHERS = { "kube-prometheus-stack": ["mirror.example/all/quay.io/p:1"] };

function podsOf(images: readonly string[]): string {
  return images
    .map((image, index) =>
      JSON.stringify({
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: `p${index}` },
        spec: { containers: [{ name: "c", image }] },
      }),
    )
    .join("\n---\n");
}

describe("llmops airgap", () => {
  it("lists images and charts with what pins them", async () => {
    const { code, out } = await run(["airgap", "list", "-s", "acme-staging", "--json"]);
    const { images, charts, outside } = JSON.parse(out) as Listed;
    expect([code, outside]).toEqual([0, []]);
    const pinnings = images.map(({ pinning }) => pinning);
    expect(new Set(pinnings)).toEqual(new Set(["digest", "placeholder", "unverified"]));
    expect(Object.fromEntries(charts.map(({ name, digest }) => [name, digest.kind]))).toEqual({
      "argo-rollouts": "unverified",
      "cluster-autoscaler": "sha256",
      "dcgm-exporter": "unverified",
      keda: "unverified",
      "kube-prometheus-stack": "unverified",
      "nvidia-device-plugin": "unverified",
    });
  });

  it("says what a mirror leaves outside: weights from a hub, and images of charts as rendered", async () => {
    const file = rendering({ keda: ["mirror.example/all/quay.io/a:1", "quay.io/b:1"] });
    const { code, err } = await run(["airgap", "list", "-s", "dev", ...MIRROR, "--rendered", file]);
    expect(code).toBe(1);
    expect(err.split("\n").filter((line) => line.startsWith("error:"))).toEqual([
      "error: a rendered chart takes quay.io/b:1 from elsewhere than mirror.example/all",
      expect.stringMatching(
        /^error: model mistral-7b fetches \S+ from huggingface.co; give it an s3, gs or oci source$/,
      ),
    ]);
  });

  it("takes a chart without a rendering, or with an empty one, for not known", async () => {
    const folder = rendering({ keda: [] });
    const { code, err } = await run(["airgap", "list", "-s", "dev", ...MIRROR, "--rendered", folder]);
    expect([code, err]).toEqual([
      1,
      expect.stringContaining("error: chart keda was not rendered: --rendered has no keda.yaml with objects"),
    ]);
    const args = [
      "airgap",
      "script",
      "-s",
      "dev",
      ...MIRROR,
      "--out",
      mkdtempSync(join(tmpdir(), "llmops-airgap-")),
    ];
    expect((await run([...args, "--rendered", folder])).err).toContain(
      "warning: chart keda was not rendered",
    );
  });

  it("writes the script and the values to render the charts with; then copies what they bring", async () => {
    const folder = mkdtempSync(join(tmpdir(), "llmops-airgap-"));
    const args = ["airgap", "script", "-s", "dev", ...MIRROR, "--out", folder];
    expect((await run(args)).code).toBe(0);
    expect(readFileSync(join(folder, "values", "keda.yaml"), "utf8")).toContain(
      "registry: mirror.example/all/ghcr.io",
    );
    expect(readFileSync(join(folder, "mirror.sh"), "utf8")).not.toContain("docker://ghcr.io/kedacore");
    const file = rendering({ keda: ["mirror.example/all/ghcr.io/kedacore/keda:2.20.2"] });
    expect((await run([...args, "--rendered", file])).code).toBe(0);
    expect(readFileSync(join(folder, "mirror.sh"), "utf8")).toContain(
      "skopeo copy --all --preserve-digests docker://ghcr.io/kedacore/keda:2.20.2 docker://mirror.example/all/ghcr.io/kedacore/keda:2.20.2",
    );
  });

  it.each([
    [["script", "-s", "dev", "--out", "x"], "--stack: dev has no registryMirror"],
    [["list", "-s", "dev", "--mirror", "https://mirror.example"], "must be a host"],
    [["list", "-s", "dev", "--rendered", "nowhere.yaml"], "nowhere.yaml: cannot be read"],
  ])("refuses %s", async (args, message) => {
    const { code, err } = await run(["airgap", ...args]);
    expect([code, err]).toEqual([2, expect.stringContaining(message)]);
  });
});
