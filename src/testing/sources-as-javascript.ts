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

/** What src/postgres is made of and what it may import. */
const folders = ['postgres', 'sql', 'model']
const files = ['errors.ts']

/** Everything that src/postgres needs, each file as a module of its own. */
export async function sourcesAsJavaScript(): Promise<SourcesAsJavaScript> {
  const sources = dirname(dirname(fileURLToPath(import.meta.url)))
  const directory = await mkdtemp(join(tmpdir(), 'watertight-build-'))
  await writeFile(join(directory, 'package.json'), '{"type":"module"}')
  await symlink(join(dirname(sources), 'node_modules'), join(directory, 'node_modules'))
  const below = await Promise.all(
    folders.map(async (folder) =>
      (await readdir(join(sources, folder), { recursive: true })).map((name) => join(folder, name)),
    ),
  )
  const modules = [...files, ...below.flat()].filter((name) => /(?<!\.test)\.ts$/.test(name))
  for (const file of modules) {
    const { outputText } = ts.transpileModule(await readFile(join(sources, file), 'utf8'), {
      compilerOptions: {
        target: ts.ScriptTarget.ES2022,
        module: ts.ModuleKind.ESNext,
        rewriteRelativeImportExtensions: true,
      },
    })
    await mkdir(dirname(join(directory, file)), { recursive: true })
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
