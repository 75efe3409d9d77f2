//! The tables, in types that both databases have: ids are 16 bytes, times microseconds, severities ranks.
//!
//! Written beside the migrations; `tests/it/migrations.rs` compares both with what the databases say.

use diesel::allow_tables_to_appear_in_same_query;

diesel::table! {
    organizations (id) {
        id -> Binary,
        slug -> Text,
        name -> Text,
        tracker_traffic_stopped -> Bool,
        version -> BigInt,
        created_at -> BigInt,
    }
}

diesel::table! {
    users (id) {
        id -> Binary,
        email -> Text,
        name -> Text,
        password_hash -> Text,
        is_superuser -> Bool,
        is_active -> Bool,
        version -> BigInt,
        created_at -> BigInt,
    }
}

diesel::table! {
    memberships (organization_id, user_id) {
        organization_id -> Binary,
        user_id -> Binary,
        role -> Text,
        version -> BigInt,
        created_at -> BigInt,
    }
}

diesel::table! {
    teams (organization_id, id) {
        organization_id -> Binary,
        id -> Binary,
        name -> Text,
        responsible_user_id -> Nullable<Binary>,
        version -> BigInt,
        created_at -> BigInt,
    }
}

diesel::table! {
    team_members (organization_id, team_id, user_id) {
        organization_id -> Binary,
        team_id -> Binary,
        user_id -> Binary,
    }
}

diesel::table! {
    api_tokens (id) {
        id -> Binary,
        organization_id -> Binary,
        product_id -> Nullable<Binary>,
        name -> Text,
        token_hash -> Binary,
        token_prefix -> Text,
        scopes -> Text,
        expires_at -> Nullable<BigInt>,
        revoked_at -> Nullable<BigInt>,
        created_by -> Binary,
        version -> BigInt,
        created_at -> BigInt,
    }
}

diesel::table! {
    api_token_uses (token_id) {
        token_id -> Binary,
        last_used_at -> BigInt,
    }
}

diesel::table! {
    sessions (id) {
        id -> Binary,
        user_id -> Binary,
        refresh_hash -> Binary,
        expires_at -> BigInt,
        created_at -> BigInt,
    }
}

diesel::table! {
    login_attempts (attempt_key) {
        attempt_key -> Text,
        attempts -> BigInt,
        window_ends_at -> BigInt,
    }
}

diesel::table! {
    invitations (organization_id, id) {
        organization_id -> Binary,
        id -> Binary,
        email -> Text,
        role -> Text,
        code_hash -> Binary,
        expires_at -> BigInt,
        created_at -> BigInt,
    }
}

diesel::table! {
    products (organization_id, id) {
        organization_id -> Binary,
        id -> Binary,
        name -> Text,
        name_key -> Text,
        description -> Text,
        is_restricted -> Bool,
        default_branch_id -> Nullable<Binary>,
        version -> BigInt,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    product_teams (organization_id, product_id, team_id) {
        organization_id -> Binary,
        product_id -> Binary,
        team_id -> Binary,
    }
}

diesel::table! {
    branches (organization_id, id) {
        organization_id -> Binary,
        id -> Binary,
        product_id -> Binary,
        name -> Text,
        version -> BigInt,
        created_at -> BigInt,
    }
}

diesel::table! {
    engagements (organization_id, id) {
        organization_id -> Binary,
        id -> Binary,
        product_id -> Binary,
        name -> Text,
        description -> Text,
        state -> Text,
        starts_at -> Nullable<BigInt>,
        ends_at -> Nullable<BigInt>,
        version -> BigInt,
        created_at -> BigInt,
    }
}

diesel::table! {
    assets (organization_id, id) {
        organization_id -> Binary,
        id -> Binary,
        kind -> Text,
        name -> Text,
        search -> Text,
        version -> BigInt,
        created_at -> BigInt,
    }
}

diesel::table! {
    components (organization_id, id) {
        organization_id -> Binary,
        id -> Binary,
        name -> Text,
        component_version -> Text,
        purl -> Text,
    }
}

diesel::table! {
    vulnerabilities (organization_id, id) {
        organization_id -> Binary,
        id -> Binary,
        vulnerability_key -> Text,
        title -> Text,
        severity -> SmallInt,
        description -> Text,
        remediation -> Nullable<Text>,
        cwe -> Nullable<Integer>,
        cwes_json -> Text,
        cvss2 -> Nullable<Text>,
        cvss3 -> Nullable<Text>,
        cvss4 -> Nullable<Text>,
        cvss_score -> Nullable<Double>,
        epss -> Nullable<Double>,
        is_known_exploited -> Bool,
        references_json -> Text,
        search -> Text,
        version -> BigInt,
        created_at -> BigInt,
    }
}

diesel::table! {
    vulnerability_aliases (organization_id, alias, vulnerability_id) {
        organization_id -> Binary,
        alias -> Text,
        vulnerability_id -> Binary,
    }
}

diesel::table! {
    vulnerability_cwes (organization_id, cwe, vulnerability_id) {
        organization_id -> Binary,
        cwe -> Integer,
        vulnerability_id -> Binary,
    }
}

diesel::table! {
    scan_sources (organization_id, id) {
        organization_id -> Binary,
        id -> Binary,
        product_id -> Binary,
        branch_id -> Binary,
        engagement_id -> Nullable<Binary>,
        engagement_key -> Text,
        tool -> Text,
        name -> Text,
        latest_scan_id -> Nullable<Binary>,
        latest_scan_at -> Nullable<BigInt>,
        latest_reported_at -> Nullable<BigInt>,
        latest_report_hash -> Nullable<Binary>,
        latest_sequence -> BigInt,
        closes_held_at -> Nullable<BigInt>,
        retired_at -> Nullable<BigInt>,
        version -> BigInt,
        created_at -> BigInt,
    }
}

diesel::table! {
    uploads (organization_id, id) {
        organization_id -> Binary,
        id -> Binary,
        product_id -> Binary,
        state -> Text,
        format -> Nullable<Text>,
        settings_json -> Text,
        report_hash -> Nullable<Binary>,
        size_bytes -> BigInt,
        faults_json -> Nullable<Text>,
        created_by_kind -> Text,
        created_by -> Nullable<Binary>,
        created_at -> BigInt,
        finished_at -> Nullable<BigInt>,
        lease_until -> Nullable<BigInt>,
    }
}

diesel::table! {
    scans (organization_id, id) {
        organization_id -> Binary,
        id -> Binary,
        upload_id -> Binary,
        source_id -> Binary,
        product_id -> Binary,
        branch_id -> Binary,
        tool -> Text,
        tool_version -> Nullable<Text>,
        format -> Text,
        outcome -> Text,
        commit_id -> Nullable<Text>,
        environment -> Nullable<Text>,
        reported_at -> Nullable<BigInt>,
        scanned_at -> BigInt,
        report_hash -> Binary,
        observations_new -> BigInt,
        observations_updated -> BigInt,
        observations_unchanged -> BigInt,
        observations_reopened -> BigInt,
        observations_resolved -> BigInt,
        warnings_json -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    observations (organization_id, id) {
        organization_id -> Binary,
        id -> Binary,
        source_id -> Binary,
        product_id -> Binary,
        branch_id -> Binary,
        asset_id -> Binary,
        vulnerability_id -> Binary,
        component_id -> Nullable<Binary>,
        fingerprint -> Binary,
        tool_fingerprint -> Nullable<Binary>,
        status -> Text,
        is_active -> Bool,
        severity -> SmallInt,
        scan_severity -> SmallInt,
        scan_status -> Nullable<Text>,
        assessed_status -> Nullable<Text>,
        assessed_severity -> Nullable<SmallInt>,
        assessment_expires_at -> Nullable<BigInt>,
        duplicate_of -> Nullable<Binary>,
        is_verified -> Bool,
        location -> Text,
        line -> Nullable<Integer>,
        content_hash -> BigInt,
        first_seen_at -> BigInt,
        last_seen_at -> Nullable<BigInt>,
        status_changed_at -> BigInt,
        version -> BigInt,
        ticket_state -> Nullable<SmallInt>,
    }
}

diesel::table! {
    observation_details (organization_id, observation_id) {
        organization_id -> Binary,
        observation_id -> Binary,
        title -> Nullable<Text>,
        description -> Nullable<Text>,
        snippet -> Nullable<Text>,
        fixed_version -> Nullable<Text>,
        evidence_json -> Nullable<Text>,
    }
}

diesel::table! {
    observation_history (organization_id, observation_id, id) {
        organization_id -> Binary,
        observation_id -> Binary,
        id -> Binary,
        at -> BigInt,
        actor_kind -> Text,
        actor_id -> Nullable<Binary>,
        field -> Text,
        old_value -> Nullable<Text>,
        new_value -> Nullable<Text>,
        comment -> Nullable<Text>,
    }
}

diesel::table! {
    observation_notes (organization_id, id) {
        organization_id -> Binary,
        id -> Binary,
        observation_id -> Binary,
        author_kind -> Text,
        author_id -> Nullable<Binary>,
        body -> Text,
        version -> BigInt,
        created_at -> BigInt,
        edited_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    observation_counts (organization_id, product_id, source_id, status, severity) {
        organization_id -> Binary,
        product_id -> Binary,
        source_id -> Binary,
        status -> Text,
        severity -> SmallInt,
        observations -> BigInt,
    }
}

diesel::table! {
    observation_tombstones (organization_id, source_id, fingerprint) {
        organization_id -> Binary,
        source_id -> Binary,
        fingerprint -> Binary,
        tool_fingerprint -> Nullable<Binary>,
        observation_id -> Binary,
        deleted_at -> BigInt,
    }
}

diesel::table! {
    tracker_connections (organization_id, id) {
        organization_id -> Binary,
        id -> Binary,
        label -> Text,
        kind -> Text,
        base_url -> Text,
        username -> Nullable<Text>,
        secret_sealed -> Binary,
        settings_json -> Text,
        is_enabled -> Bool,
        version -> BigInt,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    connection_budgets (organization_id, connection_id) {
        organization_id -> Binary,
        connection_id -> Binary,
        paused_at -> Nullable<BigInt>,
        paused_reason -> Nullable<Text>,
        arrival_at -> BigInt,
        interval_micros -> BigInt,
        burst_micros -> BigInt,
        max_leases -> Integer,
        last_success_at -> Nullable<BigInt>,
        last_error -> Nullable<Text>,
        last_error_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    tracker_configs (organization_id, id) {
        organization_id -> Binary,
        id -> Binary,
        product_id -> Binary,
        connection_id -> Binary,
        is_active -> Bool,
        is_dry_run -> Bool,
        auto_sync -> Bool,
        push_all -> Bool,
        require_verified -> Bool,
        project_key -> Text,
        minimum_severity -> SmallInt,
        settings_json -> Text,
        version -> BigInt,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    tickets (organization_id, id) {
        organization_id -> Binary,
        id -> Binary,
        connection_id -> Binary,
        subject_kind -> Text,
        subject_id -> Binary,
        product_id -> Binary,
        project_key -> Text,
        phase -> Text,
        marker -> Text,
        remote_key -> Nullable<Text>,
        remote_id -> Nullable<Text>,
        url -> Nullable<Text>,
        base_url -> Text,
        state_seen -> Nullable<Text>,
        state_pushed -> Nullable<Text>,
        pushed_json -> Nullable<Text>,
        title -> Text,
        is_suppressed -> Bool,
        pushed_by_hand -> Bool,
        sent_at -> Nullable<BigInt>,
        unlinked_at -> Nullable<BigInt>,
        last_error -> Nullable<Text>,
        last_synced_at -> Nullable<BigInt>,
        version -> BigInt,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    sync_jobs (organization_id, id) {
        organization_id -> Binary,
        id -> Binary,
        connection_id -> Binary,
        product_id -> Binary,
        subject_kind -> Text,
        subject_id -> Binary,
        reason -> Text,
        state -> Text,
        due_at -> BigInt,
        lease_token -> Nullable<Binary>,
        attempts -> Integer,
        revision -> BigInt,
        last_error -> Nullable<Text>,
        created_at -> BigInt,
    }
}

diesel::table! {
    notifications (organization_id, id) {
        organization_id -> Binary,
        id -> Binary,
        cause_key -> Text,
        kind -> Text,
        product_id -> Nullable<Binary>,
        subject_kind -> Nullable<Text>,
        subject_id -> Nullable<Binary>,
        title -> Text,
        body -> Text,
        occurrences -> BigInt,
        first_at -> BigInt,
        last_at -> BigInt,
        resolved_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    notification_reads (organization_id, user_id, notification_id) {
        organization_id -> Binary,
        user_id -> Binary,
        notification_id -> Binary,
        read_at -> BigInt,
    }
}

diesel::table! {
    idempotency_keys (organization_id, caller_id, idempotency_key) {
        organization_id -> Binary,
        caller_id -> Binary,
        idempotency_key -> Text,
        request_hash -> Binary,
        status -> Nullable<Integer>,
        headers_json -> Nullable<Text>,
        body -> Nullable<Binary>,
        lease_until -> BigInt,
        expires_at -> BigInt,
    }
}

diesel::table! {
    audit_log (organization_id, id) {
        organization_id -> Binary,
        id -> Binary,
        at -> BigInt,
        actor_kind -> Text,
        actor_id -> Nullable<Binary>,
        action -> Text,
        subject_kind -> Text,
        subject_id -> Nullable<Binary>,
        changes_json -> Text,
    }
}

diesel::table! {
    issues (organization_id, id) {
        organization_id -> Binary,
        id -> Binary,
        product_id -> Nullable<Binary>,
        name -> Text,
        search -> Text,
        description -> Text,
        remediation -> Text,
        risk -> SmallInt,
        state -> Text,
        state_changed_at -> BigInt,
        due_at -> Nullable<BigInt>,
        overdue_told_for -> Nullable<BigInt>,
        assignee_kind -> Nullable<Text>,
        assignee_id -> Nullable<Binary>,
        merged_into -> Nullable<Binary>,
        instance_count -> BigInt,
        remediated_count -> BigInt,
        excluded_count -> BigInt,
        regressed_count -> BigInt,
        ticket_state -> Nullable<SmallInt>,
        created_by_kind -> Text,
        created_by -> Nullable<Binary>,
        version -> BigInt,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    issue_products (organization_id, issue_id, product_id) {
        organization_id -> Binary,
        issue_id -> Binary,
        product_id -> Binary,
        is_sealed -> Bool,
        instance_count -> BigInt,
        remediated_count -> BigInt,
        excluded_count -> BigInt,
        regressed_count -> BigInt,
    }
}

diesel::table! {
    issue_instances (organization_id, issue_id, id) {
        organization_id -> Binary,
        issue_id -> Binary,
        id -> Binary,
        product_id -> Binary,
        branch_id -> Binary,
        vulnerability_id -> Binary,
        asset_id -> Binary,
        severity -> SmallInt,
        standing -> SmallInt,
        remediated_at -> Nullable<BigInt>,
        regressions -> Integer,
        added_at -> BigInt,
    }
}

diesel::table! {
    instance_snapshots (organization_id, issue_id, instance_id) {
        organization_id -> Binary,
        issue_id -> Binary,
        instance_id -> Binary,
        vulnerability_id -> Binary,
        vulnerability_version -> BigInt,
        snapshot_json -> Text,
    }
}

diesel::table! {
    vulnerability_snapshots (organization_id, vulnerability_id, version) {
        organization_id -> Binary,
        vulnerability_id -> Binary,
        version -> BigInt,
        snapshot_json -> Text,
    }
}

diesel::table! {
    timeline_entries (organization_id, issue_id, id) {
        organization_id -> Binary,
        issue_id -> Binary,
        id -> Binary,
        kind -> Text,
        at -> BigInt,
        actor_kind -> Text,
        actor_id -> Nullable<Binary>,
        actor_name -> Nullable<Text>,
        field -> Nullable<Text>,
        old_value -> Nullable<Text>,
        new_value -> Nullable<Text>,
        body -> Nullable<Text>,
        product_id -> Nullable<Binary>,
        remote_key -> Nullable<Text>,
        version -> BigInt,
        edited_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    tracker_webhooks (organization_id, connection_id) {
        organization_id -> Binary,
        connection_id -> Binary,
        secret_hash -> Nullable<Binary>,
        previous_hash -> Nullable<Binary>,
        previous_until -> Nullable<BigInt>,
        signing_sealed -> Nullable<Binary>,
        previous_signing_sealed -> Nullable<Binary>,
        requires_signature -> Bool,
        state_mapping_json -> Nullable<Text>,
        account_json -> Nullable<Text>,
        account_asked_at -> Nullable<BigInt>,
        secret_made_at -> Nullable<BigInt>,
        version -> BigInt,
    }
}

diesel::table! {
    webhook_deliveries (organization_id, id) {
        organization_id -> Binary,
        id -> Binary,
        connection_id -> Binary,
        delivery_key -> Text,
        event -> Text,
        is_signed -> Bool,
        outcome -> Text,
        effects_json -> Text,
        ticket_id -> Nullable<Binary>,
        product_id -> Nullable<Binary>,
        received_at -> BigInt,
        worked_off_at -> BigInt,
    }
}

diesel::table! {
    webhook_kinds (organization_id, connection_id, event) {
        organization_id -> Binary,
        connection_id -> Binary,
        event -> Text,
        is_known -> Bool,
        deliveries -> BigInt,
        last_at -> BigInt,
    }
}

diesel::table! {
    webhook_statuses (organization_id, connection_id, status) {
        organization_id -> Binary,
        connection_id -> Binary,
        status -> Text,
        is_done -> Bool,
        last_at -> BigInt,
    }
}

diesel::table! {
    webhook_tickets (organization_id, ticket_id) {
        organization_id -> Binary,
        ticket_id -> Binary,
        status -> Text,
        said_at -> BigInt,
    }
}

diesel::table! {
    webhook_inbox (id) {
        id -> Binary,
        organization_id -> Binary,
        connection_id -> Binary,
        delivery_key -> Text,
        event -> Text,
        is_signed -> Bool,
        body -> Binary,
        received_at -> BigInt,
        due_at -> BigInt,
    }
}

diesel::table! {
    events (organization_id, id) {
        organization_id -> Binary,
        id -> Binary,
        position -> Nullable<BigInt>,
        kind -> Text,
        action -> Text,
        subject_id -> Binary,
        product_id -> Nullable<Binary>,
        at -> BigInt,
    }
}

diesel::table! {
    client_counters (organization_id) {
        organization_id -> Binary,
        last_number -> BigInt,
    }
}

diesel::table! {
    client_product_types (organization_id, number) {
        organization_id -> Binary,
        number -> BigInt,
        name -> Text,
        name_key -> Text,
    }
}

diesel::table! {
    client_products (organization_id, number) {
        organization_id -> Binary,
        number -> BigInt,
        product_id -> Binary,
        product_type -> Nullable<BigInt>,
    }
}

diesel::table! {
    client_engagements (organization_id, number) {
        organization_id -> Binary,
        number -> BigInt,
        engagement_id -> Binary,
        branch -> Nullable<Text>,
        commit_id -> Nullable<Text>,
        imports_say_branch -> Bool,
    }
}

diesel::table! {
    client_tests (organization_id, number) {
        organization_id -> Binary,
        number -> BigInt,
        engagement_id -> Binary,
        title -> Text,
        scan_type -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    security_gates (organization_id, product_id) {
        organization_id -> Binary,
        product_id -> Binary,
        most_critical -> Nullable<BigInt>,
        most_high -> Nullable<BigInt>,
        most_medium -> Nullable<BigInt>,
        most_low -> Nullable<BigInt>,
        most_none -> Nullable<BigInt>,
        most_unknown -> Nullable<BigInt>,
        version -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    trust_rules (organization_id, id) {
        organization_id -> Binary,
        id -> Binary,
        product_id -> Binary,
        name -> Text,
        provider -> Text,
        issuer -> Text,
        audience -> Text,
        repository_id -> Text,
        branches_json -> Text,
        tags_json -> Text,
        environments_json -> Text,
        workflow -> Nullable<Text>,
        allow_pull_requests -> Bool,
        version -> BigInt,
        created_at -> BigInt,
    }
}

diesel::table! {
    workload_tokens (token_hash) {
        token_hash -> Binary,
        given_hash -> Binary,
        organization_id -> Binary,
        rule_id -> Binary,
        rule_version -> BigInt,
        branch -> Text,
        expires_at -> BigInt,
        kept_until -> BigInt,
    }
}

diesel::table! {
    issue_trackers (organization_id, issue_id) {
        organization_id -> Binary,
        issue_id -> Binary,
        connection_id -> Binary,
        project_key -> Text,
        csv -> Text,
        auto_close -> Bool,
        temporary_keeps_open -> Bool,
        settings_json -> Text,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

allow_tables_to_appear_in_same_query!(
    organizations,
    users,
    memberships,
    teams,
    team_members,
    api_tokens,
    api_token_uses,
    sessions,
    login_attempts,
    invitations,
    products,
    product_teams,
    branches,
    engagements,
    assets,
    components,
    vulnerabilities,
    vulnerability_aliases,
    vulnerability_cwes,
    scan_sources,
    uploads,
    scans,
    observations,
    observation_details,
    observation_history,
    observation_notes,
    observation_counts,
    observation_tombstones,
    tracker_connections,
    connection_budgets,
    tracker_configs,
    tickets,
    sync_jobs,
    notifications,
    notification_reads,
    idempotency_keys,
    audit_log,
    issues,
    issue_products,
    issue_instances,
    instance_snapshots,
    vulnerability_snapshots,
    timeline_entries,
    tracker_webhooks,
    webhook_deliveries,
    webhook_kinds,
    webhook_statuses,
    webhook_tickets,
    webhook_inbox,
    events,
    client_counters,
    client_product_types,
    client_products,
    client_engagements,
    client_tests,
    security_gates,
    trust_rules,
    workload_tokens,
    issue_trackers,
);
