//! A cluster of any size, written down as `kubectl get -o json` would, and what there is to be counted in it.
//!
//! Everything follows from numbers: machine `j` is in namespace `j % namespaces` and made from image `(7 j + 3) % images`,
//! and so on. A test counts by the same numbers and none of goldkeeper's code.

use std::io::{BufWriter, Write};
use std::path::Path;

/// How large the cluster is.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    pub(crate) machines: usize,
    pub(crate) namespaces: usize,
    pub(crate) images: usize,
}

/// What an image is; the default class is `old-a`, and `fast-b` belongs to another driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Image {
    /// Imported on `old-a`, as its cron notes.
    Plain,
    /// The same, and its template names `old-a`.
    Explicit,
    /// Uploaded to `old-a`.
    Uploaded,
    /// On `old-a` while its cron notes `fast-b`.
    TakenOver,
    /// Imported on `fast-b`.
    Ahead,
}

/// Where images are.
pub(crate) const GOLD: &str = "gold-images";
/// Where they were.
pub(crate) const RETIRED: &str = "openshift-virtualization-os-images";
/// Where no machine may be.
pub(crate) const PROTECTED: &str = "openshift-monitoring";
/// Bytes of each image.
pub(crate) const IMAGE_BYTES: u64 = 30 << 30;

pub(crate) const fn image(number: usize) -> Image {
    match number % 5 {
        0 => Image::Plain,
        1 => Image::Explicit,
        2 => Image::Uploaded,
        3 => Image::TakenOver,
        _ => Image::Ahead,
    }
}

/// A virtual machine.
#[derive(Clone, Copy)]
pub(crate) struct Machine {
    pub(crate) image: usize,
    /// The class that its disk names.
    pub(crate) class: Option<&'static str>,
    /// Whether it names one import and not the `DataSource`.
    pub(crate) by_claim: bool,
    /// Whether it names the namespace where images were.
    pub(crate) retired: bool,
    pub(crate) protected: bool,
}

impl Size {
    pub(crate) const fn machine(self, number: usize) -> Machine {
        let by_claim = number.is_multiple_of(11);
        Machine {
            image: (number * 7 + 3) % self.images,
            class: match (number / 3) % 5 {
                0 => Some("old-a"),
                1 => Some("fast-b"),
                _ => None,
            },
            by_claim,
            retired: !by_claim && number.is_multiple_of(13),
            protected: number % 1000 == 7,
        }
    }

    pub(crate) fn all(self) -> impl Iterator<Item = Machine> {
        (0..self.machines).map(move |number| self.machine(number))
    }

    /// Writes the cluster down, one object a line.
    pub(crate) fn write(self, path: &Path) -> std::io::Result<()> {
        let mut out = BufWriter::new(std::fs::File::create(path)?);
        writeln!(
            out,
            "{{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": ["
        )?;
        out.write_all(PLATFORM.as_bytes())?;
        // The plain images are the platform's own: those that follow its setting.
        let templates = (0..self.images).filter(|number| image(*number) == Image::Plain);
        let templates: Vec<String> = templates.map(template).collect();
        writeln!(
            out,
            ",{{\"apiVersion\":\"hco.kubevirt.io/v1\",\"kind\":\"HyperConverged\",\"metadata\":{{\"name\":\"kubevirt-hyperconverged\",\"namespace\":\"openshift-cnv\"}},\"spec\":{{\"workloadSources\":{{\"commonBootImageNamespace\":\"{GOLD}\"}}}},\"status\":{{\"dataImportCronTemplates\":[{}]}}}}",
            templates.join(",")
        )?;
        for number in 0..self.namespaces {
            writeln!(
                out,
                ",{{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{{\"name\":\"ns-{number}\",\"labels\":{{\"kubernetes.io/metadata.name\":\"ns-{number}\"}}}}}}"
            )?;
        }
        for number in 0..self.images {
            write_image(&mut out, number)?;
        }
        for number in 0..self.machines {
            self.write_machine(&mut out, number)?;
        }
        writeln!(out, "]}}")?;
        out.flush()
    }

    fn write_machine(self, out: &mut impl Write, number: usize) -> std::io::Result<()> {
        let machine = self.machine(number);
        let namespace = if machine.protected {
            PROTECTED.to_owned()
        } else {
            format!("ns-{}", number % self.namespaces)
        };
        let place = if machine.retired { RETIRED } else { GOLD };
        let source = if machine.by_claim {
            let name = claim(machine.image);
            format!("\"source\":{{\"pvc\":{{\"namespace\":\"{GOLD}\",\"name\":\"{name}\"}}}}")
        } else {
            let name = machine.image;
            format!(
                "\"sourceRef\":{{\"kind\":\"DataSource\",\"name\":\"img-{name}\",\"namespace\":\"{place}\"}}"
            )
        };
        let class = machine
            .class
            .map(|class| format!("\"storageClassName\":\"{class}\","));
        let class = class.unwrap_or_default();
        writeln!(
            out,
            ",{{\"apiVersion\":\"kubevirt.io/v1\",\"kind\":\"VirtualMachine\",\"metadata\":{{\"name\":\"vm-{number}\",\"namespace\":\"{namespace}\",{PADDING}}},\"spec\":{{\"runStrategy\":\"Always\",\"dataVolumeTemplates\":[{{\"metadata\":{{\"name\":\"vm-{number}\"}},\"spec\":{{{source},\"storage\":{{{class}\"resources\":{{\"requests\":{{\"storage\":\"40Gi\"}}}}}}}}}}],\"template\":{TEMPLATE}}}}}"
        )
    }
}

/// The platform's template of an image.
fn template(number: usize) -> String {
    format!(
        "{{\"metadata\":{{\"name\":\"img-{number}-cron\",\"namespace\":\"{GOLD}\"}},\"spec\":{{\"managedDataSource\":\"img-{number}\"}},\"status\":{{\"commonTemplate\":true}}}}"
    )
}

/// The name of the claim that an image is.
fn claim(number: usize) -> String {
    if image(number) == Image::Uploaded {
        return format!("img-{number}");
    }
    format!("img-{number}-{number:012}")
}

fn write_image(out: &mut impl Write, number: usize) -> std::io::Result<()> {
    let kind = image(number);
    let (name, claim) = (format!("img-{number}"), claim(number));
    let on = if kind == Image::Ahead {
        "fast-b"
    } else {
        "old-a"
    };
    let noted = match kind {
        Image::TakenOver | Image::Ahead => "fast-b",
        _ => "old-a",
    };
    let labels = match kind {
        Image::Uploaded => String::new(),
        _ => format!(",\"labels\":{{\"cdi.kubevirt.io/dataImportCron\":\"{name}-cron\"}}"),
    };
    let meta = format!("\"namespace\":\"{GOLD}\"{labels}");
    writeln!(
        out,
        ",{{\"apiVersion\":\"cdi.kubevirt.io/v1beta1\",\"kind\":\"DataSource\",\"metadata\":{{\"name\":\"{name}\",{meta}}},\"spec\":{{\"source\":{{\"pvc\":{{\"name\":\"{claim}\",\"namespace\":\"{GOLD}\"}}}}}},\"status\":{{\"conditions\":[{{\"type\":\"Ready\",\"status\":\"True\"}}]}}}}"
    )?;
    writeln!(
        out,
        ",{{\"apiVersion\":\"v1\",\"kind\":\"PersistentVolumeClaim\",\"metadata\":{{\"name\":\"{claim}\",{meta}}},\"spec\":{{\"storageClassName\":\"{on}\",\"volumeMode\":\"Block\",\"resources\":{{\"requests\":{{\"storage\":\"30Gi\"}}}}}}}}"
    )?;
    if kind == Image::Uploaded {
        return Ok(());
    }
    let storage = if kind == Image::Explicit {
        "\"storageClassName\":\"old-a\""
    } else {
        ""
    };
    writeln!(
        out,
        ",{{\"apiVersion\":\"cdi.kubevirt.io/v1beta1\",\"kind\":\"DataImportCron\",\"metadata\":{{\"name\":\"{name}-cron\",\"namespace\":\"{GOLD}\",\"annotations\":{{\"cdi.kubevirt.io/storage.import.storageClass\":\"{noted}\",\"cdi.kubevirt.io/storage.import.sourceDesiredDigest\":\"sha256:{number:012}ffff\"}}}},\"spec\":{{\"managedDataSource\":\"{name}\",\"schedule\":\"0 */12 * * *\",\"template\":{{\"spec\":{{\"storage\":{{{storage}}}}}}}}}}}"
    )
}

const PLATFORM: &str = r#"{"apiVersion":"config.openshift.io/v1","kind":"ClusterVersion","metadata":{"name":"version"}}
,{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"gold-images"}}
,{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"openshift-monitoring"}}
,{"apiVersion":"storage.k8s.io/v1","kind":"StorageClass","metadata":{"name":"old-a","creationTimestamp":"2024-01-01T00:00:00Z","annotations":{"storageclass.kubernetes.io/is-default-class":"true"}},"provisioner":"a.csi.example.com"}
,{"apiVersion":"storage.k8s.io/v1","kind":"StorageClass","metadata":{"name":"fast-b","creationTimestamp":"2026-01-01T00:00:00Z"},"provisioner":"b.csi.example.com"}
,{"apiVersion":"cdi.kubevirt.io/v1beta1","kind":"StorageProfile","metadata":{"name":"old-a"},"status":{"storageClass":"old-a","provisioner":"a.csi.example.com","cloneStrategy":"snapshot","claimPropertySets":[{"volumeMode":"Block"}]}}
,{"apiVersion":"cdi.kubevirt.io/v1beta1","kind":"StorageProfile","metadata":{"name":"fast-b"},"status":{"storageClass":"fast-b","provisioner":"b.csi.example.com","cloneStrategy":"snapshot","claimPropertySets":[{"volumeMode":"Block"}]}}
,{"apiVersion":"cdi.kubevirt.io/v1beta1","kind":"CDI","metadata":{"name":"cdi"},"status":{"observedVersion":"v1.66.0"}}
"#;

/// What objects of a cluster carry and nobody looks at.
const PADDING: &str = r#""uid":"0f9b8a3e-6f2e-4f5c-9d57-0a7b2f1c3d4e","resourceVersion":"123456789","generation":3,"creationTimestamp":"2026-03-01T10:11:12Z","labels":{"app":"web","vm.kubevirt.io/template":"rhel9-server-small"},"annotations":{"kubevirt.io/latest-observed-api-version":"v1","vm.kubevirt.io/validations":"[{\"name\": \"minimal-required-memory\", \"path\": \"jsonpath::.spec.domain.memory.guest\", \"rule\": \"integer\", \"message\": \"This VM requires more memory.\", \"min\": 1610612736}]"},"finalizers":["kubevirt.io/virtualMachineControllerFinalize"]"#;
const TEMPLATE: &str = r#"{"metadata":{"labels":{"kubevirt.io/domain":"vm","kubevirt.io/size":"small"}},"spec":{"architecture":"amd64","domain":{"cpu":{"cores":2,"sockets":1,"threads":1},"devices":{"disks":[{"disk":{"bus":"virtio"},"name":"rootdisk"},{"disk":{"bus":"virtio"},"name":"cloudinitdisk"}],"interfaces":[{"masquerade":{},"model":"virtio","name":"default"}],"rng":{}},"features":{"acpi":{},"smm":{"enabled":true}},"firmware":{"bootloader":{"efi":{}}},"machine":{"type":"pc-q35-rhel9.4.0"},"memory":{"guest":"4Gi"}},"networks":[{"name":"default","pod":{}}],"terminationGracePeriodSeconds":180,"volumes":[{"dataVolume":{"name":"vm"},"name":"rootdisk"},{"cloudInitNoCloud":{"userData":"cloud-config"},"name":"cloudinitdisk"}]}}"#;
