# The store. Names are those of pipeline/model/layout.py and pipeline/store/bigtable; a test holds them together.

locals {
  tables = ["counters", "visitors", "shards", "meta"]
  family = "c"
  # Who counts and who reads are told apart in metrics. Both go to one cluster: the commit is a CheckAndMutateRow, and a
  # reader must not see an older replica than `complete_until` promises.
  uses = { pipeline = true, readers = false }

  prefixed = { for pair in setproduct(var.table_prefixes, local.tables) : "${pair[0]}${pair[1]}" => pair }
}

resource "google_bigtable_instance" "store" {
  name                = var.name
  deletion_protection = var.deletion_protection
  depends_on          = [google_project_service.used]

  cluster {
    cluster_id   = "${var.name}-a"
    zone         = var.zone
    storage_type = "SSD"

    autoscaling_config {
      min_nodes  = var.bigtable_nodes.min
      max_nodes  = var.bigtable_nodes.max
      cpu_target = 60
    }
  }
}

# No automated backups: each table's is of another moment, and such a set can't be restored to exact numbers. The runbook
# says how to take one of all four while nothing is written.
resource "google_bigtable_table" "of_store" {
  for_each            = local.prefixed
  name                = each.key
  instance_name       = google_bigtable_instance.store.name
  deletion_protection = var.deletion_protection ? "PROTECTED" : "UNPROTECTED"

  column_family {
    family = local.family
  }

  lifecycle {
    prevent_destroy = true
  }
}

# One version, and never by age: cells are stamped with a shard's sequence number, which any rule about age takes for 1970.
resource "google_bigtable_gc_policy" "one_version" {
  for_each        = google_bigtable_table.of_store
  instance_name   = google_bigtable_instance.store.name
  table           = each.value.name
  column_family   = local.family
  deletion_policy = "ABANDON"

  max_version {
    number = 1
  }
}

resource "google_bigtable_app_profile" "by_use" {
  for_each        = local.uses
  instance        = google_bigtable_instance.store.name
  app_profile_id  = each.key
  ignore_warnings = true

  single_cluster_routing {
    cluster_id                 = "${var.name}-a"
    allow_transactional_writes = each.value
  }
}
