/** Mistakes that tests see late or never: forgotten awaits, unchecked types, forgotten cases, large units. */

import tseslint from 'typescript-eslint'

const registries = [
  'suites/*/*.ts',
  'fixtures/**/*.ts',
  'src/report/formats/*.ts',
  '*.config.{ts,js}',
]

const noDefaultExport = {
  selector: 'ExportDefaultDeclaration',
  message: 'Default exports belong to registry folders, where the file name is the id',
}
const noExportAll = { selector: 'ExportAllDeclaration', message: 'Name what you export' }

export default tseslint.config(
  { ignores: ['dist/**', 'dist.*/**', 'reports/**', 'node_modules/**'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.ts', '**/*.tsx'],
    plugins: { '@typescript-eslint': tseslint.plugin },
    languageOptions: {
      parser: tseslint.parser,
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/prefer-nullish-coalescing': [
        'error',
        { ignorePrimitives: { boolean: true } },
      ],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/max-params': ['error', { max: 3 }],
      'max-lines': ['error', 400],
      'max-lines-per-function': ['error', 70],
      'no-console': 'error',
      'no-control-regex': 'error',
      'no-restricted-syntax': ['error', noDefaultExport, noExportAll],
    },
  },
  { files: registries, rules: { 'no-restricted-syntax': ['error', noExportAll] } },
  { files: ['src/cli/**/*.ts', 'scripts/**'], rules: { 'no-console': 'off' } },
  // A describe() is one long function, a row of test.each has many columns, and what was skipped is said aloud.
  {
    files: ['**/*.test.ts', '**/*.test.tsx'],
    rules: {
      'max-lines-per-function': 'off',
      '@typescript-eslint/max-params': 'off',
      'no-console': 'off',
    },
  },
)
