import { lives } from './use-server-away.ts'

const ASK_AGAIN_MS = 1_000
const RELOADED = 'fanfold.reloaded-at'
/** Files that are missing so soon after a reload will not come with another one. */
const RELOAD_AGAIN_MS = 30_000

/**
 * The file of a page. When it does not come, the server is away or was replaced by another version with files of its
 * own: the console is loaded anew as soon as there is one, at the same address.
 */
export async function loadPage<Module>(load: () => Promise<Module>): Promise<Module> {
  try {
    return await load()
  } catch (error) {
    while (!(await lives())) await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS))
    if (Date.now() - Number(sessionStorage.getItem(RELOADED)) < RELOAD_AGAIN_MS) throw error
    sessionStorage.setItem(RELOADED, String(Date.now()))
    window.location.reload()
    return new Promise<never>(() => undefined)
  }
}
