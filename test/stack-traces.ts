/**
 * Pulumi notes where each property of each resource was made, and vitest maps every frame of that to its source: with vitest's
 * hundred frames this took longer than planning a stack. Node's own number is enough to find an error.
 */
Error.stackTraceLimit = 10;
