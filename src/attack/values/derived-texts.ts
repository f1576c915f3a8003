/** Texts that programs make of a text and look it up by: digests, other cases, slugs, parts and encodings. */

import { createHash } from 'node:crypto'

const digest = (algorithm: string, text: string) => createHash(algorithm).update(text).digest('hex')

/** What is tried first comes first; the text itself is not among them. */
export function derivedTexts(text: string): readonly string[] {
  const bytes = Buffer.from(text)
  const [local, domain] = text.includes('@') ? text.split('@') : []
  const slug = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
  const derived = [
    digest('md5', text),
    text.toLowerCase(),
    digest('sha256', text),
    slug,
    text.toUpperCase(),
    local ?? '',
    domain ?? '',
    `${text.slice(0, 8)}%`,
    text.slice(0, 8),
    text.slice(-8),
    bytes.toString('base64'),
    bytes.toString('hex'),
    slug.replaceAll('-', '_'),
    digest('sha1', text),
    ` ${text} `,
    [...text].reverse().join(''),
    digest('md5', text.toLowerCase()),
  ]
  return [...new Set(derived)].filter((each) => each !== '' && each !== text)
}

/** A tenant and a key as one text, as caches, tokens and paths have them. */
export function joinedTexts(tenant: string, key: string): readonly string[] {
  const joined = [':', '/', '-', '.', '|', '_', '#', ''].map((by) => `${tenant}${by}${key}`)
  return [...joined.slice(0, 2), digest('md5', `${tenant}:${key}`), ...joined.slice(2)]
}
