import path from 'node:path';

export default {
  resolve: {
    // The other half of the package, for `import`, lacks exports that its own files ask for.
    alias: { '@grafana/ui': path.resolve('node_modules/@grafana/ui/dist/cjs/index.cjs') },
  },
  build: {
    chunkSizeWarningLimit: 20_000,
    // As Node has it: of a module with a default export alone, require() gives that.
    commonjsOptions: { requireReturnsDefault: 'auto' },
    rollupOptions: { onwarn: () => {} },  // What is said of other people's packages.
  },
};
