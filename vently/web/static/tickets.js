// A ticket held to a scanner: the screen stays on while its page is looked at.
(() => {
  if (!("wakeLock" in navigator)) return;
  const hold = () => document.visibilityState === "visible" && navigator.wakeLock.request("screen").catch(() => {});
  document.addEventListener("visibilitychange", hold);
  hold();
})();
