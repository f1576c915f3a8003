/** Promises that others settle, and waits that end: a request is held open by both. */

const stepTimeoutMs = 5_000

/** @throws Error with the message when the promise takes longer than 5 s. */
export async function limited<T>(promise: Promise<T>, message: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`${message} within ${stepTimeoutMs} ms`))
    }, stepTimeoutMs)
  })
  try {
    return await Promise.race([promise, timeout])
  } finally {
    clearTimeout(timer)
  }
}

export interface Settleable<T> {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
  readonly reject: (error: unknown) => void
}

/** Promise.withResolvers of Node 22. */
export function settleable<T>(): Settleable<T> {
  let settle: Omit<Settleable<T>, 'promise'> | undefined
  const promise = new Promise<T>((resolve, reject) => {
    settle = { resolve, reject }
  })
  promise.catch(() => undefined)
  if (settle === undefined) throw new Error('the promise executor did not run')
  return { promise, ...settle }
}
