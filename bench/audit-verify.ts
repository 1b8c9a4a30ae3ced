import { mkdtempSync, rmSync, statSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { AuditLog } from "../gateway/src/audit/log.ts";
import { generateSigningKeyPem, signerFromPem } from "../gateway/src/audit/signer.ts";
import { verifyDirectory } from "../gateway/src/audit/verify.ts";
import { decisionOf, intentOf, outcomeOf } from "../gateway/src/testing/records.ts";

/** Writes a log of `--records` records with the real writer and verifies it; reports time and the highest memory. */
const { values } = parseArgs({ options: { records: { type: "string" } } });
const RECORDS = Number(values.records ?? "10000000");
const BATCH = 1_000;

const directory = mkdtempSync(join(tmpdir(), "bench-audit-"));
try {
  const signer = signerFromPem(generateSigningKeyPem());
  const log = await AuditLog.open({
    directory,
    name: "bench",
    mode: "required",
    signer,
    store: null,
    version: "bench",
    config: "0".repeat(64),
    maxBytes: 1e15,
    minFreeBytes: 0,
    maintenanceMs: 3_600_000,
  });
  const writeStarted = performance.now();
  for (let written = 0; written < RECORDS; written += 3 * BATCH) {
    const ids = Array.from({ length: BATCH }, (_, at) => `${written}-${at}`);
    await Promise.all(ids.map((id) => log.intent(intentOf(id))));
    await Promise.all([
      ...ids.map((id) => log.outcome(outcomeOf(id))),
      ...ids.map((id) => log.decision(decisionOf(id))),
    ]);
  }
  await log.close();
  const writeSeconds = (performance.now() - writeStarted) / 1000;
  const folder = join(directory, log.writer);
  const bytes = readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  let peak = 0;
  const verifyStarted = performance.now();
  const { verdict, chains } = await verifyDirectory(directory, {
    publicKeys: [signer.publicKeyPem],
    onProgress: ({ segment, segments, lines }) => {
      peak = Math.max(peak, process.memoryUsage.rss());
      if (lines % 1_000_000 === 0) console.error(`segment ${segment} of ${segments}, ${lines} records`);
    },
  });
  const verifySeconds = (performance.now() - verifyStarted) / 1000;
  const result = {
    records: chains[0]?.records,
    gib: Math.round((bytes / 2 ** 30) * 100) / 100,
    writeSeconds: Math.round(writeSeconds),
    verifySeconds: Math.round(verifySeconds),
    peakRssMiB: Math.round(peak / 2 ** 20),
    verdict,
  };
  console.log(JSON.stringify(result, null, 2));
  writeFileSync(
    join(import.meta.dirname, "results", "audit-verify.json"),
    `${JSON.stringify(result, null, 2)}\n`,
  );
} finally {
  rmSync(directory, { recursive: true, force: true });
}
