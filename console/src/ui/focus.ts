/**
 * Where the focus goes when what had it is gone: to the title of the page. To be called when something closes or takes
 * its place; looks once that is drawn, and leaves a focus that is anywhere else.
 */
export function keepFocus(): void {
  setTimeout(() => {
    if (document.activeElement !== null && document.activeElement !== document.body) return
    document.querySelector<HTMLElement>('h1')?.focus({ preventScroll: true })
  })
}
