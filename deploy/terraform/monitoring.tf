# What is watched: one list, from which both alerts and the dashboard are made. Each says where the runbook goes on.

locals {
  job          = "metric.type=\"dataflow.googleapis.com/job/%s\" resource.type=\"dataflow_job\" resource.label.job_name=\"${var.name}\""
  subscription = "metric.type=\"pubsub.googleapis.com/subscription/%s\" resource.type=\"pubsub_subscription\" resource.label.subscription_id=\"%s\""
  cluster      = "metric.type=\"bigtable.googleapis.com/cluster/%s\" resource.type=\"bigtable_cluster\" resource.label.instance=\"${google_bigtable_instance.store.name}\""
  service      = "metric.type=\"run.googleapis.com/%s\" resource.type=\"cloud_run_revision\" resource.label.service_name=starts_with(\"${var.name}-\")"

  watched = {
    system_lag = {
      title     = "Dataflow: system lag (s)"
      filter    = format(local.job, "system_lag")
      aligner   = "ALIGN_MAX"
      threshold = 60
      for_s     = 300
      runbook   = "Numbers fall behind"
    }
    watermark_age = {
      title     = "Dataflow: age of the data watermark (s)"
      filter    = format(local.job, "data_watermark_age")
      aligner   = "ALIGN_MAX"
      threshold = 300
      for_s     = 600
      runbook   = "Numbers fall behind"
    }
    unacked_age = {
      title     = "Pub/Sub: oldest event that isn't acknowledged (s)"
      filter    = format(local.subscription, "oldest_unacked_message_age", google_pubsub_subscription.events.name)
      aligner   = "ALIGN_MAX"
      threshold = 300
      for_s     = 300
      runbook   = "Numbers fall behind"
    }
    dead_letters = {
      title     = "Pub/Sub: dead letters waiting"
      filter    = format(local.subscription, "num_undelivered_messages", google_pubsub_subscription.dead_letters.name)
      aligner   = "ALIGN_MAX"
      threshold = 0
      for_s     = 0
      runbook   = "Dead letters"
    }
    rejects = {
      title     = "Rejects per second"
      filter    = "metric.type=\"pubsub.googleapis.com/topic/send_message_operation_count\" resource.type=\"pubsub_topic\" resource.label.topic_id=\"${google_pubsub_topic.rejects.name}\""
      aligner   = "ALIGN_RATE"
      threshold = 10
      for_s     = 600
      runbook   = "Replay of rejects"
    }
    bigtable_cpu = {
      title     = "Bigtable: CPU"
      filter    = format(local.cluster, "cpu_load")
      aligner   = "ALIGN_MEAN"
      threshold = 0.8
      for_s     = 900
      runbook   = "Numbers fall behind"
    }
    bigtable_hottest = {
      title     = "Bigtable: CPU of the hottest node"
      filter    = format(local.cluster, "cpu_load_hottest_node")
      aligner   = "ALIGN_MEAN"
      threshold = 0.9
      for_s     = 900
      runbook   = "A hot key"
    }
    errors = {
      title     = "Read service and collector: answers of 5xx per second"
      filter    = "${format(local.service, "request_count")} metric.label.response_code_class=\"5xx\""
      aligner   = "ALIGN_RATE"
      threshold = 1
      for_s     = 300
      runbook   = "The read service fails"
    }
    latency = {
      title     = "Read service and collector: p95 latency (ms)"
      filter    = format(local.service, "request_latencies")
      aligner   = "ALIGN_PERCENTILE_95"
      threshold = 1000
      for_s     = 600
      runbook   = "The read service fails"
    }
  }
}

resource "google_monitoring_alert_policy" "watched" {
  for_each              = local.watched
  display_name          = "${var.name}: ${each.value.title}"
  combiner              = "OR"
  notification_channels = var.alert_channels

  conditions {
    display_name = each.value.title
    condition_threshold {
      filter          = each.value.filter
      comparison      = "COMPARISON_GT"
      threshold_value = each.value.threshold
      duration        = "${each.value.for_s}s"

      aggregations {
        alignment_period     = "60s"
        per_series_aligner   = each.value.aligner
        cross_series_reducer = "REDUCE_MAX"
      }
    }
  }

  documentation {
    content   = "deploy/runbook.md, section \"${each.value.runbook}\""
    mime_type = "text/markdown"
  }

  depends_on = [google_project_service.used]
}

resource "google_monitoring_dashboard" "daycount" {
  dashboard_json = jsonencode({
    displayName = var.name
    gridLayout = {
      columns = 3
      widgets = [for one in local.watched : {
        title = one.title
        xyChart = {
          dataSets = [{
            timeSeriesQuery = {
              timeSeriesFilter = {
                filter = one.filter
                aggregation = {
                  alignmentPeriod    = "60s"
                  perSeriesAligner   = one.aligner
                  crossSeriesReducer = "REDUCE_MAX"
                }
              }
            }
          }]
          thresholds = [{ value = one.threshold }]
        }
      }]
    }
  })
  depends_on = [google_project_service.used]
}
