/**
 * What a text says when it is read as the encodings in which applications keep content: a mark that is packed
 * is still somebody's. And which contents nobody can read, so that nobody takes them for nobody's.
 */

import { constants, gunzipSync, inflateRawSync, inflateSync } from 'node:zlib'

/** Shorter runs cannot hold a mark. */
const base64Runs = /[A-Za-z0-9+/_-]{14,}(?:\r?\n[A-Za-z0-9+/_-]+)*={0,2}/g
const hexRuns = /(?:[0-9a-f]{2}){10,}/gi
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
/** Nothing else can be decoded: most values are sent on their way by this one look. */
const hint = /[A-Za-z0-9+/_-]{14}|%[0-9a-f]{2}|\\u00|&#|\\[0-7]{3}|[0-9a-f]{20}/i
const unpackedMax = 1_000_000
const layersMax = 3
const lengthMax = 200_000

/** The texts inside of the text, one layer in another; empty for what is plain. */
export function decodingsOf(text: string): readonly string[] {
  const found: string[] = []
  let layer: readonly string[] = [text]
  for (let depth = 0; depth < layersMax && layer.length > 0; depth += 1) {
    layer = layer.flatMap(decodedOnce)
    found.push(...layer)
  }
  return found
}

function decodedOnce(text: string): readonly string[] {
  if (text.length > lengthMax || uuid.test(text) || !hint.test(text)) return []
  return [...escapesOf(text), ...packedRuns(text).flatMap(contentOf)]
}

/** Characters written as numbers: percent, JSON, HTML and bytea escapes. */
function escapesOf(text: string): readonly string[] {
  const plain = text
    .replaceAll(/%([0-9a-f]{2})/gi, (_, code: string) => characterOf(code, 16))
    .replaceAll(/\\u([0-9a-f]{4})/gi, (_, code: string) => characterOf(code, 16))
    .replaceAll(/&#x([0-9a-f]{1,6});/gi, (_, code: string) => characterOf(code, 16))
    .replaceAll(/&#(\d{1,7});/g, (_, code: string) => characterOf(code, 10))
    .replaceAll(/\\([0-7]{3})/g, (_, code: string) => characterOf(code, 8))
  return plain === text ? [] : [plain]
}

function characterOf(code: string, base: number): string {
  return String.fromCharCode(Number.parseInt(code, base) % 0x10000)
}

interface Packed {
  readonly bytes: Buffer
  readonly run: string
}

function packedRuns(text: string): readonly Packed[] {
  const hex = [...text.matchAll(hexRuns)].map(([run]): Packed => ({
    bytes: Buffer.from(run, 'hex'),
    run,
  }))
  const base64 = [...text.matchAll(base64Runs)]
    .map(([run]) => run.replaceAll(/[\r\n=]/g, ''))
    .filter((run) => !uuid.test(run) && !/^[0-9a-f]+$/i.test(run))
    .map((run): Packed => ({ bytes: Buffer.from(run, 'base64'), run }))
  return [...hex, ...base64]
}

/** What the run says, when it says anything: random bytes are dropped, so that nobody decodes them further. */
function contentOf({ bytes, run }: Packed): readonly string[] {
  const unpacked = unpack(bytes)
  if (unpacked !== null) return [unpacked.toString('latin1')]
  const text = textOf(bytes)
  if (text !== null) return [text]
  // A prefix in front of the content moves its groups of four characters.
  for (const skipped of [1, 2, 3]) {
    const moved = textOf(Buffer.from(run.slice(skipped), 'base64'))
    if (moved !== null) return [moved]
  }
  return []
}

/** Without zeros, which stand between the letters of UTF-16; null for what is no text. */
function textOf(bytes: Buffer): string | null {
  const plain = bytes.includes(0) ? bytes.filter((byte) => byte !== 0) : bytes
  return shareReadable(plain) < readableMin ? null : Buffer.from(plain).toString('latin1')
}

/** Fewer bytes are no compressed text that holds a mark. */
const packedBytesMin = 18

function unpack(bytes: Buffer): Buffer | null {
  const [first, second] = [bytes[0] ?? 0, bytes[1] ?? 0]
  const options = { maxOutputLength: unpackedMax, finishFlush: constants.Z_SYNC_FLUSH }
  if (bytes.length < packedBytesMin) return null
  try {
    if (first === 0x1f && second === 0x8b) return gunzipSync(bytes, options)
    if ((first & 0x0f) === 8 && (first * 256 + second) % 31 === 0)
      return inflateSync(bytes, options)
    // Raw deflate has no sign of its own but its first block's type; texts are not tried.
    const type = (first >> 1) & 3
    if ((type === 1 || type === 2) && shareReadable(bytes) < 1) {
      const raw = inflateRawSync(bytes, options)
      return shareReadable(raw) < readableMin ? null : raw
    }
  } catch {
    // It only looked compressed.
  }
  return null
}

/** Of random bytes little more than a third are readable. */
const readableMin = 0.7

/** How many of the bytes are letters, digits and marks of a text. */
function shareReadable(bytes: Uint8Array): number {
  let readable = 0
  for (const byte of bytes) {
    if ((byte >= 0x20 && byte < 0x7f) || byte === 0x0a || byte === 0x0d || byte === 0x09)
      readable += 1
  }
  return bytes.length === 0 ? 0 : readable / bytes.length
}

/** Bytes of the usual digests: they say that a content is the same, and nothing of it. */
const digestBytes = new Set([16, 20, 28, 32, 48, 64])
const sealedBytesMin = 24

/**
 * True for a value that holds bytes nobody can read: neither text nor compressed text, nor as long as a digest.
 * Whose it is cannot be told by looking at it.
 */
export function looksSealed(value: unknown): boolean {
  if (typeof value !== 'string' || value.length < sealedBytesMin || uuid.test(value)) return false
  return packedRuns(value).some(
    ({ bytes, run }) =>
      run.length >= value.length * 0.6 &&
      bytes.length >= sealedBytesMin &&
      !digestBytes.has(bytes.length) &&
      isMixed(run) &&
      shareReadable(bytes) < readableMin &&
      new Set(bytes).size >= Math.min(bytes.length * 0.6, 100) &&
      unpack(bytes) === null,
  )
}

/** A long word of letters decodes to nonsense too, but nobody sealed it. */
function isMixed(run: string): boolean {
  return (
    /[0-9]/.test(run) &&
    /[a-f]/i.test(run) &&
    (/[A-Z]/.test(run) === /[a-z]/.test(run) || /^[0-9a-f]+$/i.test(run))
  )
}
