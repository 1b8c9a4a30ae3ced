/** Settings of the site; `site/build.ts` copies them beside the pages. Dead links stop the build. */
export default {
  title: "llmops-blueprint",
  description: "LLMOps platform for EKS and GKE: TypeScript, Pulumi, policy as code",
  outDir: "../html",
  cacheDir: "../cache",
  rewrites: { "README.md": "index.md" },
  // Pages are plain Markdown: neither HTML nor expressions of Vue.
  // Addresses of a service on the reader's own machine are no links of the site.
  ignoreDeadLinks: "localhostLinks",
  markdown: { html: false },
  vue: { template: { compilerOptions: { delimiters: ["\u2983%", "%\u2984"] } } },
  themeConfig: {
    search: { provider: "local" },
    nav: [
      { text: "Commands", link: "/docs/cli" },
      { text: "Architecture", link: "/docs/architecture" },
      { text: "What is tested where", link: "/docs/testing" },
    ],
    sidebar: [
      {
        text: "Use",
        items: [
          { text: "Start", link: "/" },
          { text: "Commands", link: "/docs/cli" },
          { text: "Reference of commands", link: "/docs/reference/cli" },
          { text: "Cost", link: "/docs/cost" },
          { text: "Evaluation", link: "/docs/eval-gate" },
          { text: "Prompts", link: "/docs/prompts" },
          { text: "Air gap", link: "/docs/airgap" },
          { text: "Teardown", link: "/docs/teardown" },
        ],
      },
      {
        text: "Understand",
        items: [
          { text: "Architecture", link: "/docs/architecture" },
          { text: "Gateway", link: "/docs/gateway" },
          { text: "What is tested where", link: "/docs/testing" },
          { text: "Threat model", link: "/docs/threat-model" },
          { text: "Compared with others", link: "/docs/comparison" },
          { text: "Licences", link: "/docs/licences" },
        ],
      },
    ],
  },
};
