// The page shown without a network, kept on this device.  Where that is not allowed, nothing is missing.
navigator.serviceWorker?.register("/service-worker.js").catch(() => {});
