const { enableCompileCache, flushCompileCache } = require("node:module");

/** Serves a pack to the engine; the controls are TypeScript, which an older Node cannot read by itself. */
module.exports = async (name) => {
  if (!process.features.typescript) (await import("tsx/esm/api")).register();
  enableCompileCache?.();
  const { servePack } = await import("./serve.ts");
  await servePack(name);
  // The engine ends a pack with a signal, and then Node no longer writes what it compiled.
  flushCompileCache?.();
};
