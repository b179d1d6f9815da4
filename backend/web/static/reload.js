// For browsers too old for the live page: load it again, as it does without scripts.
window.setTimeout(function () {
  window.location.reload();
}, 20000);
