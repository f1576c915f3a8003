/** What the build would make of these sources, for tests that need a plain node process to kill. */

import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import ts from 'typescript'

export interface SourcesAsJavaScript extends AsyncDisposable {
  /** Address of the module that a source became, given as a path below src/. */
  urlOf(source: string): string
}

/** Everything that src/postgres needs, each file as a module of its own. */
export async function sourcesAsJavaScript(): Promise<SourcesAsJavaScript> {
  const sources = dirname(dirname(fileURLToPath(import.meta.url)))
  const directory = await mkdtemp(join(tmpdir(), 'watertight-build-'))
  await mkdir(join(directory, 'postgres'))
  await writeFile(join(directory, 'package.json'), '{"type":"module"}')
  await symlink(join(dirname(sources), 'node_modules'), join(directory, 'node_modules'))
  const files = (await readdir(join(sources, 'postgres'))).map((name) => join('postgres', name))
  for (const file of ['errors.ts', ...files].filter((name) => !name.includes('.test.'))) {
    const { outputText } = ts.transpileModule(await readFile(join(sources, file), 'utf8'), {
      compilerOptions: {
        target: ts.ScriptTarget.ES2022,
        module: ts.ModuleKind.ESNext,
        rewriteRelativeImportExtensions: true,
      },
    })
    await writeFile(join(directory, asJavaScript(file)), outputText)
  }
  return {
    urlOf: (source) => pathToFileURL(join(directory, asJavaScript(source))).href,
    [Symbol.asyncDispose]: async () => {
      await rm(directory, { recursive: true })
    },
  }
}

function asJavaScript(source: string): string {
  return source.replace(/\.ts$/, '.js')
}
