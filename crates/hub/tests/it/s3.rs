//! An S3 server of a test's own, over a folder: stopped in the middle of whatever it does, and started again where it was.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

const BUCKET: &str = "logs";

pub(crate) struct S3 {
    folder: tempfile::TempDir,
    address: SocketAddr,
    /// Milliseconds that it takes over each request.
    slow: Arc<AtomicU64>,
    /// Everything it does; what is dropped breaks off.
    runtime: Option<Runtime>,
}

impl S3 {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(BUCKET)).unwrap();
        let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut server = Self { folder, address, slow: Arc::default(), runtime: None };
        server.resume();
        server
    }

    /// Where it is, with what signs in.
    pub(crate) fn blobs(&self) -> String {
        format!("s3://key:s3cret@{BUCKET}/node?endpoint=http://{}&region=test", self.address)
    }

    /// The folder that holds what was put under the prefix.
    pub(crate) fn holds(&self) -> std::path::PathBuf {
        self.folder.path().join(BUCKET).join("node")
    }

    /// Starts it where it was stopped.
    pub(crate) fn resume(&mut self) {
        let files = s3s_fs::FileSystem::new(self.folder.path()).unwrap();
        let mut builder = S3ServiceBuilder::new(files);
        builder.set_auth(SimpleAuth::from_single("key", "s3cret"));
        let (service, slow) = (builder.build(), Arc::clone(&self.slow));
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = std::net::TcpListener::bind(self.address).unwrap();
        listener.set_nonblocking(true).unwrap();
        runtime.spawn(async move { serve(TcpListener::from_std(listener).unwrap(), service, slow).await });
        self.runtime = Some(runtime);
    }

    /// Breaks every connection off, and lets nobody in any more.
    pub(crate) fn kill(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
        // The port is free when the listener is gone.
        while std::net::TcpListener::bind(self.address).is_err() {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// From now on each request takes so long.
    pub(crate) fn take_over_each(&self, time: Duration) {
        self.slow.store(u64::try_from(time.as_millis()).unwrap(), Ordering::Relaxed);
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        self.kill();
    }
}

async fn serve(listener: TcpListener, service: S3Service, slow: Arc<AtomicU64>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (service, slow) = (service.clone(), Arc::clone(&slow));
        let slowly = service_fn(move |request: http::Request<hyper::body::Incoming>| {
            let (service, slow) = (service.clone(), slow.load(Ordering::Relaxed));
            async move {
                tokio::time::sleep(Duration::from_millis(slow)).await;
                hyper::service::Service::call(&service, request).await
            }
        });
        tokio::spawn(async move {
            let server = Builder::new(TokioExecutor::new());
            let _ = server.serve_connection(TokioIo::new(stream), slowly).await;
        });
    }
}
