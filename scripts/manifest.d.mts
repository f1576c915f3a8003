/** The types of manifest.mjs, for its test. */

export declare function manifestText(root: string): string
export declare function writeManifest(root: string): boolean
export declare function writeBuiltParts(root: string, outDir: string): void
