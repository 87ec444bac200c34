//! Writing a cluster down.

use std::fmt::Write as _;

use serde::Serialize;

use crate::cluster::Snapshot;

/// The items of a snapshot as YAML. All of them are held until the end: the header stands first and says how many
/// there are, so that a file that was cut short is noticed. They are what is kept of objects, not the objects.
#[derive(Debug, Default)]
pub struct SnapshotText(String);

impl SnapshotText {
    /// Adds an object.
    ///
    /// # Errors
    /// What `serde_saphyr` says; no JSON brings it about.
    pub fn add(&mut self, object: &impl Serialize) -> Result<(), serde_saphyr::ser::Error> {
        for (number, line) in serde_saphyr::to_string(object)?.lines().enumerate() {
            let indent = if number == 0 { "- " } else { "  " };
            let _ = writeln!(self.0, "{}", format!("{indent}{line}").trim_end());
        }
        Ok(())
    }

    /// The whole `List`.
    ///
    /// # Errors
    /// As of [`add`](Self::add).
    pub fn finish(&self, snapshot: &Snapshot) -> Result<String, serde_saphyr::ser::Error> {
        let mut header = Self::default();
        header.add(&snapshot.item())?;
        Ok(format!(
            "apiVersion: v1\nkind: List\nitems:\n{}{}",
            header.0, self.0
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::{Coverage, Kind, Known, SnapshotKind};
    use crate::store::{read_cluster, write_whole};
    use serde_json::{Value, json};

    fn snapshot(kinds: Vec<SnapshotKind>) -> Snapshot {
        Snapshot {
            taken_at: "2026-11-25T10:00:00Z".to_owned(),
            server_version: "v1.33.5".to_owned(),
            openshift: false,
            kinds,
        }
    }

    fn listed(kind: &str, objects: usize) -> SnapshotKind {
        SnapshotKind {
            kind: kind.to_owned(),
            listed: true,
            objects: Some(objects),
            ..SnapshotKind::default()
        }
    }

    #[test]
    fn texts_come_back_as_they_were() {
        let texts = [
            "true",
            "1.20",
            "0777",
            "1e3",
            "null",
            "~",
            "yes",
            "",
            " a ",
            "a: b",
            "#x",
            "- a",
            "a\nb\n",
            "\t",
            "{a}",
            "é",
            "a\n\n  b",
            "'",
            "\"",
            "0x1f",
            "2026-01-01",
            "\u{7}",
            "*a",
            "&a",
            "!a",
            "|",
            ">",
            "%",
            "@",
        ];
        let labels: serde_json::Map<String, Value> = texts
            .iter()
            .enumerate()
            .map(|(number, text)| (format!("l{number}"), json!(text)))
            .collect();
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a", "labels": labels}});
        let mut text = SnapshotText::default();
        text.add(&namespace).unwrap();
        let written = text
            .finish(&snapshot(vec![listed("Namespace", 1)]))
            .unwrap();
        let read: Value = serde_saphyr::from_str(&written).unwrap();
        assert_eq!(read["items"][1], namespace, "{written}");
        assert_eq!(read["items"][0]["kind"], "ClusterSnapshot");
    }

    #[test]
    fn what_a_snapshot_says_of_itself_counts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cluster.yaml");
        let mut text = SnapshotText::default();
        for namespace in ["openshift-cnv", "b"] {
            text.add(
                &json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}),
            )
            .unwrap();
        }
        let kinds = vec![
            listed("Namespace", 2),
            SnapshotKind {
                namespaces: Some(vec!["gold".into()]),
                ..listed("PersistentVolumeClaim", 0)
            },
            SnapshotKind {
                kind: "CDI".to_owned(),
                reason: Some("403 Forbidden".to_owned()),
                ..SnapshotKind::default()
            },
            SnapshotKind {
                kind: "VolumeSnapshot".to_owned(),
                served: Some(false),
                ..SnapshotKind::default()
            },
        ];
        let written = text.finish(&snapshot(kinds)).unwrap();
        write_whole(&path, &written).unwrap();
        let files = read_cluster(std::slice::from_ref(&path)).unwrap();
        let view = &files.view;
        assert_eq!(*view.coverage(Kind::Namespace), Coverage::Complete);
        assert_eq!(
            *view.coverage(Kind::Cdi),
            Coverage::Unknown("403 Forbidden".into())
        );
        assert_eq!(*view.coverage(Kind::VolumeSnapshot), Coverage::NotServed);
        let Coverage::Unknown(reason) = view.coverage(Kind::StorageClass) else {
            panic!("the header does not mention it");
        };
        assert!(reason.contains("take a new one"), "{reason}");
        let claims = view.coverage(Kind::PersistentVolumeClaim);
        assert!(claims.is_final("gold") && !claims.is_final("b"));
        assert_eq!(
            view.object(Kind::PersistentVolumeClaim, "gold", "x"),
            Known::Known(None)
        );
        assert_eq!(
            view.object(Kind::PersistentVolumeClaim, "b", "x"),
            Known::Unknown
        );
        assert!(
            !view.is_openshift(),
            "the header was told by the API server, the name of a namespace is a sign only"
        );
        assert_eq!(
            files.describe(),
            "2 objects, snapshot of 2026-11-25T10:00:00Z"
        );

        let short = written.rsplit_once("- apiVersion").unwrap().0;
        write_whole(&path, short).unwrap();
        let error = read_cluster(&[path]).unwrap_err().to_string();
        assert!(
            error.contains("holds 2 Namespace objects and holds 1"),
            "{error}"
        );
        let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }

    #[test]
    fn a_header_that_cannot_be_read_is_a_fault() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cluster.yaml");
        std::fs::write(
            &path,
            "apiVersion: goldkeeper.io/v1\nkind: ClusterSnapshot\nspec: {kinds: 1}\n",
        )
        .unwrap();
        let error = read_cluster(&[path]).unwrap_err().to_string();
        assert!(error.contains("ClusterSnapshot: spec: "), "{error}");
    }
}
