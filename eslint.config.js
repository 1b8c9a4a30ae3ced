import pulumi from "@pulumi/eslint-plugin";
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["node_modules/**", "out/**", ".cache/**", "**/*.js", "**/*.cjs", "**/*.mjs"] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { project: "./tsconfig.json", tsconfigRootDir: import.meta.dirname } },
    plugins: { "@pulumi": pulumi },
    rules: {
      "@pulumi/no-output-in-template-literal": "error",
      "@pulumi/no-output-instance-in-template-literal": "error",
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      "no-console": "error",
      "no-restricted-imports": [
        "error",
        ...["aws", "gcp"].map((sdk) => ({
          name: `@pulumi/${sdk}`,
          message: `import components/sdk/${sdk}.ts, which has the services in use; the whole package takes long to load and check`,
        })),
      ],
    },
  },
  {
    files: [
      "cli/**/*.ts",
      "local/**/*.ts",
      "bench/**/*.ts",
      "tools/**/*.ts",
      "site/build.ts",
      "site/reference.ts",
      "test/contract/run.ts",
    ],
    rules: { "no-console": "off" },
  },
);
