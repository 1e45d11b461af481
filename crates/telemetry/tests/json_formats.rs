//! What is read of each format that is JSON, beside Suricata's and Zeek's.
#![cfg(test)]

mod shown;

use expect_test::{Expect, expect};
use shown::shown;
use telemetry::{Format, Reader, detect};

fn check(format: Format, line: &str, expected: &Expect) {
    assert_eq!(detect(line.as_bytes()), Some(format), "{line}");
    let read = shown(&mut Reader::auto(), line);
    assert_eq!(read, shown(&mut Reader::new(format), line), "{line}");
    expected.assert_eq(&read);
}

#[test]
fn ocsf_traffic() {
    check(
        Format::Ocsf,
        r#"{"class_uid":4003,"class_name":"DNS Activity","time":1768435200000,"metadata":{"version":"1.3.0"},"connection_info":{"protocol_name":"UDP","protocol_num":17},"src_endpoint":{"ip":"192.0.2.1","port":5353,"hostname":"pc.example"},"dst_endpoint":{"ip":"192.0.2.53","port":53},"query":{"hostname":"a.example","type":"A"},"answers":[{"rdata":"198.51.100.1","type":"A"},{"rdata":"10 mx.example.","type":"MX"}],"raw_data":"from 203.0.113.9"}"#,
        &expect![[r#"
            dns 2026-01-15T00:00:00Z udp Some(5353) Some(53) None
            src_endpoint.ip ipv4-addr 192.0.2.1 Source
            src_endpoint.hostname domain-name pc.example Source
            dst_endpoint.ip ipv4-addr 192.0.2.53 Destination
            query.hostname domain-name a.example Content
            answers[0].rdata ipv4-addr 198.51.100.1 Content
            answers[1].rdata domain-name mx.example. Content
        "#]],
    );
    check(
        Format::Ocsf,
        r#"{"category_uid":4,"class_uid":4002,"time_dt":"2026-01-15 00:00:00.5","src_endpoint":{"ip":"192.0.2.1"},"dst_endpoint":{"ip":"198.51.100.1","port":443},"http_request":{"http_method":"GET","user_agent":"Agent/1.0","referrer":null,"url":{"scheme":"https","hostname":"a.example","path":"/x","query_string":"y"},"http_headers":[{"name":"Host","value":"other.example"},{"name":"cookie","value":"secret.example"}],"x_forwarded_for":["203.0.113.9"]},"tls":{"sni":"a.example","ja3_hash":{"algorithm":"MD5","value":"71912442e2cef8ae6f8ea3aba3fc0da9"},"certificate":{"serial_number":"0A:1B","subject":"CN=b.example","fingerprints":[{"algorithm":"SHA-1","value":"da39a3ee5e6b4b0d3255bfef95601890afd80709"}]}},"ja4_fingerprint_list":[{"type":"JA4","value":"t13d1812h1_91b4e2f43a96_a791466c72b5"}],"traffic":{"bytes":30,"bytes_out":10,"bytes_in":20}}"#,
        &expect![[r#"
            http 2026-01-15T00:00:00.5Z  None Some(443) Some(30)
            src_endpoint.ip ipv4-addr 192.0.2.1 Source
            dst_endpoint.ip ipv4-addr 198.51.100.1 Destination
            http_request.user_agent user-agent Agent/1.0 Content
            http_request.x_forwarded_for[0] ipv4-addr 203.0.113.9 Source
            tls.sni domain-name a.example Destination
            tls.ja3_hash.value ja3 71912442e2cef8ae6f8ea3aba3fc0da9 Content
            tls.certificate.serial_number x509-certificate:serial_number 0A:1B Content
            tls.certificate.subject domain-name b.example Content
            tls.certificate.fingerprints[0] file:hashes.SHA-1 da39a3ee5e6b4b0d3255bfef95601890afd80709 Content
            ja4_fingerprint_list[0].value ja4 t13d1812h1_91b4e2f43a96_a791466c72b5 Content
            http_request.url.path url https://a.example/x Content
            http_request.url.hostname domain-name a.example Destination
        "#]],
    );
}

#[test]
fn ocsf_machines_files_and_mail() {
    check(
        Format::Ocsf,
        r#"{"class_uid":1007,"time":1768435200000,"device":{"hostname":"pc.example","ip":"10.0.0.5"},"actor":{"process":{"name":"cmd.exe","cmd_line":"cmd.exe"},"user":{"name":"taro"}},"process":{"cmd_line":"a.exe /x","pid":12,"file":{"name":"a.exe","path":"C:\\x\\a.exe","hashes":[{"algorithm":"SHA-256","algorithm_id":3,"value":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}]}},"observables":[{"name":"process.file.name","type":"File Name","type_id":7,"value":"a.exe"},{"name":"device.hostname","type_id":1,"value":"pc.example"},{"name":"x","type_id":99,"value":"203.0.113.9"}]}"#,
        &expect![[r#"
            process 2026-01-15T00:00:00Z  None None None
            device.hostname domain-name pc.example Content
            device.ip ipv4-addr 10.0.0.5 Content
            actor.process.name file:name cmd.exe Content
            actor.process.cmd_line process:command_line cmd.exe Content
            actor.user.name user-account taro Content
            process.cmd_line process:command_line a.exe /x Content
            process.file.name file:name a.exe Content
            process.file.path file:name a.exe Content
            process.file.path file:path C:\x\a.exe Content
            process.file.hashes[0] file:hashes.SHA-256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 Content
            observables[0].value file:name a.exe Content
            observables[1].value domain-name pc.example Content
        "#]],
    );
    check(
        Format::Ocsf,
        r#"{"class_uid":4009,"time":1768435200000,"email":{"from":"A <a@b.example>","to":["c@d.example"],"subject":"from 203.0.113.9","smtp_from":"bounce@b.example","files":[{"name":"x.doc","hashes":[{"value":"d41d8cd98f00b204e9800998ecf8427e"}]}]}}"#,
        &expect![[r#"
            email 2026-01-15T00:00:00Z  None None None
            email.from email-addr a@b.example Source
            email.to[0] email-addr c@d.example Destination
            email.smtp_from email-addr bounce@b.example Source
            email.files[0].name file:name x.doc Content
            email.files[0].hashes[0] file:hashes.MD5 d41d8cd98f00b204e9800998ecf8427e Content
        "#]],
    );
    check(
        Format::Ocsf,
        r#"{"class_uid":201001,"type_uid":20100101,"time":1768435200000,"reg_key":{"path":"HKLM\\Software\\Run"},"reg_value":{"name":"x","data":"y.exe","path":"HKLM\\Software\\Run"}}"#,
        &expect![[r#"
            registry 2026-01-15T00:00:00Z  None None None
            reg_key.path windows-registry-key HKLM\Software\Run Content
            reg_value.name registry-value x Content
            reg_value.data registry-data y.exe Content
            reg_value.path windows-registry-key HKLM\Software\Run Content
        "#]],
    );
}

#[test]
fn elastic_nested_and_dotted() {
    let nested = r#"{"@timestamp":"2026-01-15T00:00:00Z","ecs":{"version":"8.11.0"},"event":{"dataset":"zeek.http","category":["network"]},"network":{"protocol":"http","transport":"tcp","bytes":30},"source":{"ip":"192.0.2.1","port":1234,"bytes":10,"mac":"00-11-22-AA-BB-CC"},"destination":{"ip":"198.51.100.1","port":80,"bytes":20},"url":{"domain":"a.example","original":"/x?y"},"http":{"request":{"method":"GET","referrer":"http://b.example/"}},"user_agent":{"original":"Agent/1.0"},"message":"from 203.0.113.9","tls":{"client":{"ja3":"71912442e2cef8ae6f8ea3aba3fc0da9","server_name":"a.example"},"server":{"hash":{"sha1":"DA39A3EE5E6B4B0D3255BFEF95601890AFD80709"},"x509":{"serial_number":"0A1B","alternative_names":["c.example","*.d.example"]}}}}"#;
    let dotted = r#"{"@timestamp":"2026-01-15T00:00:00Z","ecs.version":"8.11.0","event.dataset":"zeek.http","event.category":["network"],"network.protocol":"http","network.transport":"tcp","network.bytes":30,"source.ip":"192.0.2.1","source.port":1234,"source.bytes":10,"source.mac":"00-11-22-AA-BB-CC","destination.ip":"198.51.100.1","destination.port":80,"destination.bytes":20,"url.domain":"a.example","url.original":"/x?y","http.request.method":"GET","http.request":{"referrer":"http://b.example/"},"user_agent.original":"Agent/1.0","message":"from 203.0.113.9","tls.client.ja3":"71912442e2cef8ae6f8ea3aba3fc0da9","tls.client.server_name":"a.example","tls":{"server.hash.sha1":"DA39A3EE5E6B4B0D3255BFEF95601890AFD80709","server":{"x509.serial_number":"0A1B","x509.alternative_names":["c.example","*.d.example"]}}}"#;
    assert_eq!(shown(&mut Reader::auto(), nested), shown(&mut Reader::auto(), dotted));
    check(
        Format::Ecs,
        nested,
        &expect![[r#"
        http 2026-01-15T00:00:00Z tcp Some(1234) Some(80) Some(30)
        source.ip ipv4-addr 192.0.2.1 Source
        source.mac mac-addr 00-11-22-AA-BB-CC Source
        destination.ip ipv4-addr 198.51.100.1 Destination
        http.request.referrer url http://b.example/ Content
        http.request.referrer domain-name b.example Content
        user_agent.original user-agent Agent/1.0 Content
        tls.client.ja3 ja3 71912442e2cef8ae6f8ea3aba3fc0da9 Content
        tls.client.server_name domain-name a.example Destination
        tls.server.hash.sha1 file:hashes.SHA-1 DA39A3EE5E6B4B0D3255BFEF95601890AFD80709 Content
        tls.server.x509.serial_number x509-certificate:serial_number 0A1B Content
        tls.server.x509.alternative_names[0] domain-name c.example Content
        url.original url http://a.example/x?y Content
        url.domain domain-name a.example Destination
    "#]],
    );
    check(
        Format::Ecs,
        r#"{"@timestamp":"2026-01-15T00:00:00Z","event":{"category":["process","file"]},"host":{"ip":["10.0.0.5","fe80::1"]},"process":{"executable":"/bin/a","command_line":"/bin/a -x","hash":{"md5":"d41d8cd98f00b204e9800998ecf8427e"},"parent":{"executable":"/bin/sh"}},"file":{"path":"/tmp/b","hash":{"sha256":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}},"dns":{"question":{"name":"a.example"},"answers":[{"name":"a.example","data":"198.51.100.1"}],"resolved_ip":["198.51.100.1"]},"user":{"name":"taro"},"threat":{"indicator":{"ip":"203.0.113.9"}},"registry":{"path":"HKLM\\Software\\Run\\x","data":{"strings":["y"]}}}"#,
        &expect![[r#"
            process 2026-01-15T00:00:00Z  None None None
            host.ip[0] ipv4-addr 10.0.0.5 Content
            host.ip[1] ipv6-addr fe80::1 Content
            process.executable file:name a Content
            process.executable file:path /bin/a Content
            process.command_line process:command_line /bin/a -x Content
            process.hash.md5 file:hashes.MD5 d41d8cd98f00b204e9800998ecf8427e Content
            process.parent.executable file:name sh Content
            process.parent.executable file:path /bin/sh Content
            file.path file:name b Content
            file.path file:path /tmp/b Content
            file.hash.sha256 file:hashes.SHA-256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 Content
            dns.question.name domain-name a.example Content
            dns.answers[0].name domain-name a.example Content
            dns.answers[0].data ipv4-addr 198.51.100.1 Content
            dns.resolved_ip[0] ipv4-addr 198.51.100.1 Content
            user.name user-account taro Content
            registry.data.strings[0] registry-data y Content
            registry.path windows-registry-key HKLM\Software\Run Content
            registry.path registry-value x Content
        "#]],
    );
}

#[test]
fn windows_events_in_every_form() {
    let data = r#""UtcTime":"2026-01-15 00:00:00.125","Image":"C:\\x\\a.exe","ProcessId":"4","User":"PC\\taro","Protocol":"tcp","SourceIp":"10.0.0.5","SourceHostname":"pc.example","SourcePort":"50000","DestinationIp":"198.51.100.1","DestinationHostname":"-","DestinationPort":443"#;
    let flat = format!(
        r#"{{"EventID":3,"Channel":"Microsoft-Windows-Sysmon/Operational","@timestamp":"2026-01-15T00:00:01Z","EventTime":"2026-01-15 09:00:00","Message":"from 203.0.113.9",{data}}}"#
    );
    check(
        Format::Windows,
        &flat,
        &expect![[r#"
        sysmon:3 2026-01-15T00:00:00.125Z tcp Some(50000) Some(443) None
        Image file:name a.exe Content
        Image file:path C:\x\a.exe Content
        User user-account PC\taro Content
        SourceIp ipv4-addr 10.0.0.5 Source
        SourceHostname domain-name pc.example Source
        DestinationIp ipv4-addr 198.51.100.1 Destination
    "#]],
    );
    let dump = format!(
        r##"{{"Event":{{"#attributes":{{"xmlns":"http://schemas.microsoft.com/win/2004/08/events/event"}},"System":{{"EventID":3,"Channel":"Microsoft-Windows-Sysmon/Operational","TimeCreated":{{"#attributes":{{"SystemTime":"2026-01-15T00:00:00.125Z"}}}}}},"EventData":{{{data}}}}}}}"##
    );
    let beats = format!(
        r#"{{"@timestamp":"2026-01-15T00:00:00.125Z","ecs":{{"version":"8.0.0"}},"winlog":{{"channel":"Microsoft-Windows-Sysmon/Operational","event_id":"3","event_data":{{{data}}}}}}}"#
    );
    let old_beats = format!(
        r#"{{"@timestamp":"2026-01-15T00:00:00.125Z","log_name":"Microsoft-Windows-Sysmon/Operational","event_id":3,"event_data":{{{data}}}}}"#
    );
    let pairs = r##"{"Event":{"System":{"EventID":{"#text":3,"#attributes":{"Qualifiers":0}},"Channel":"Microsoft-Windows-Sysmon/Operational"},"EventData":{"Data":[{"@Name":"SourceIp","#text":"10.0.0.5"},{"#attributes":{"Name":"DestinationIp"},"#text":"198.51.100.1"}]}}}"##;
    let values = |line: &str| -> Vec<String> {
        let mut reader = Reader::new(Format::Windows);
        let record = reader.read(line.as_bytes()).unwrap().unwrap();
        assert_eq!(record.kind, "sysmon:3");
        record.values.iter().map(|value| format!("{} {:?}", value.value, value.role)).collect()
    };
    for line in [&dump, &beats, &old_beats] {
        assert_eq!(values(line), values(&flat), "{line}");
        assert_eq!(detect(line.as_bytes()), Some(Format::Windows), "{line}");
    }
    assert_eq!(values(pairs), ["10.0.0.5 Source", "198.51.100.1 Destination"]);
}

#[test]
fn windows_processes_files_and_the_registry() {
    check(
        Format::Windows,
        r#"{"EventID":1,"Channel":"Microsoft-Windows-Sysmon/Operational","UtcTime":"2026-01-15 00:00:00.125","Image":"C:\\x\\a.exe","CommandLine":"a.exe -x","Hashes":"SHA1=da39a3ee5e6b4b0d3255bfef95601890afd80709,MD5=D41D8CD98F00B204E9800998ECF8427E,SHA256=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855,IMPHASH=c324aaac01f0f75c811e1f80c41b860c","ParentImage":"C:\\Windows\\explorer.exe","ParentCommandLine":"explorer.exe"}"#,
        &expect![[r#"
            sysmon:1 2026-01-15T00:00:00.125Z  None None None
            Image file:name a.exe Content
            Image file:path C:\x\a.exe Content
            CommandLine process:command_line a.exe -x Content
            Hashes file:hashes.SHA-1 da39a3ee5e6b4b0d3255bfef95601890afd80709 Content
            Hashes file:hashes.MD5 D41D8CD98F00B204E9800998ECF8427E Content
            Hashes file:hashes.SHA-256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 Content
            ParentImage file:name explorer.exe Content
            ParentImage file:path C:\Windows\explorer.exe Content
            ParentCommandLine process:command_line explorer.exe Content
        "#]],
    );
    check(
        Format::Windows,
        r#"{"EventID":13,"Channel":"Microsoft-Windows-Sysmon/Operational","UtcTime":"2026-01-15 00:00:00.125","Image":"a.exe","TargetObject":"HKU\\S-1-5-21\\Software\\Run\\x","Details":"y.exe"}"#,
        &expect![[r#"
            sysmon:13 2026-01-15T00:00:00.125Z  None None None
            Image file:name a.exe Content
            Details registry-data y.exe Content
            TargetObject windows-registry-key HKU\S-1-5-21\Software\Run Content
            TargetObject registry-value x Content
        "#]],
    );
    check(
        Format::Windows,
        r#"{"EventID":4663,"Channel":"Security","TimeCreated":"2026-01-15T00:00:00.125Z","ObjectName":"\\REGISTRY\\MACHINE\\SYSTEM\\x","SubjectUserName":"taro","IpAddress":"::ffff:10.0.0.5","IpPort":"0"}"#,
        &expect![[r#"
            security:4663 2026-01-15T00:00:00.125Z  Some(0) None None
            ObjectName windows-registry-key HKEY_LOCAL_MACHINE\SYSTEM\x Content
            SubjectUserName user-account taro Content
            IpAddress ipv6-addr ::ffff:10.0.0.5 Source
        "#]],
    );
    check(
        Format::Windows,
        r#"{"EventID":22,"Channel":"Microsoft-Windows-Sysmon/Operational","UtcTime":"2026-01-15 00:00:00.125","QueryName":"a.example","QueryResults":"type:  5 b.example;::ffff:198.51.100.1;2001:db8::1;","Image":"C:\\x\\a.exe"}"#,
        &expect![[r#"
            sysmon:22 2026-01-15T00:00:00.125Z  None None None
            QueryName domain-name a.example Content
            QueryResults domain-name b.example Content
            QueryResults ipv6-addr ::ffff:198.51.100.1 Content
            QueryResults ipv6-addr 2001:db8::1 Content
            Image file:name a.exe Content
            Image file:path C:\x\a.exe Content
        "#]],
    );
}

#[test]
fn clouds() {
    check(
        Format::Aws,
        r#"{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","userName":"taro"},"eventTime":"2026-01-15T00:00:00Z","eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","awsRegion":"ap-northeast-1","sourceIPAddress":"192.0.2.1","userAgent":"Agent/1.0","requestParameters":{"x":"203.0.113.9"},"tlsDetails":{"clientProvidedHostHeader":"signin.aws.example"}}"#,
        &expect![[r#"
            signin.amazonaws.com 2026-01-15T00:00:00Z  None None None
            userIdentity.userName user-account taro Content
            sourceIPAddress ipv4-addr 192.0.2.1 Source
            userAgent user-agent Agent/1.0 Content
            tlsDetails.clientProvidedHostHeader domain-name signin.aws.example Destination
        "#]],
    );
    check(
        Format::Aws,
        r#"{"version":"1.100000","query_timestamp":"2026-01-15T00:00:00Z","query_name":"a.example.","answers":[{"Rdata":"198.51.100.1","Type":"A"}],"srcaddr":"10.0.0.5","srcport":"15083","transport":"UDP"}"#,
        &expect![[r#"
            dns 2026-01-15T00:00:00Z udp Some(15083) None None
            query_name domain-name a.example. Content
            answers[0].Rdata ipv4-addr 198.51.100.1 Content
            srcaddr ipv4-addr 10.0.0.5 Source
        "#]],
    );
    check(
        Format::Azure,
        r#"{"time":"2026-01-15T00:00:00Z","category":"NetworkSecurityGroupFlowEvent","resourceId":"/SUBSCRIPTIONS/X","properties":{"Version":2,"flows":[{"rule":"x","flows":[{"mac":"000D3AF87856","flowTuples":["1768435200,192.0.2.1,198.51.100.1,44931,443,T,O,A,B,,,,"]}]}]}}"#,
        &expect![[r#"
            NetworkSecurityGroupFlowEvent 2026-01-15T00:00:00Z tcp Some(44931) Some(443) None
            properties.flows[0].flows[0].flowTuples[0] ipv4-addr 192.0.2.1 Source
            properties.flows[0].flows[0].flowTuples[0] ipv4-addr 198.51.100.1 Destination
        "#]],
    );
    check(
        Format::Azure,
        r#"{"time":"2026-01-15T00:00:00Z","operationName":"Sign-in activity","category":"SignInLogs","callerIpAddress":"192.0.2.1:4000","properties":{"userPrincipalName":"taro@a.example","ipAddress":"192.0.2.1"}}"#,
        &expect![[r#"
            Sign-in activity 2026-01-15T00:00:00Z  Some(4000) None None
            callerIpAddress ipv4-addr 192.0.2.1 Source
            properties.userPrincipalName email-addr taro@a.example Source
            properties.ipAddress ipv4-addr 192.0.2.1 Source
        "#]],
    );
    check(
        Format::Azure,
        r#"{"time":"2026-01-15T00:00:00Z","category":"AzureFirewallApplicationRule","resourceId":"x","properties":{"msg":"HTTPS request from 10.0.0.5:55640 to a.example:443. Action: Allow."}}"#,
        &expect![[r#"
            AzureFirewallApplicationRule 2026-01-15T00:00:00Z  None None None
            properties.msg ipv4-addr 10.0.0.5 Source
            properties.msg domain-name a.example Destination
        "#]],
    );
    check(
        Format::Gcp,
        r#"{"insertId":"x","logName":"projects/p/logs/compute.googleapis.com%2Fvpc_flows","timestamp":"2026-01-15T00:00:00.5Z","jsonPayload":{"connection":{"src_ip":"10.0.0.5","src_port":1,"dest_ip":"198.51.100.1","dest_port":443,"protocol":6},"bytes_sent":"12"}}"#,
        &expect![[r#"
            vpc_flows 2026-01-15T00:00:00.5Z tcp Some(1) Some(443) Some(12)
            jsonPayload.connection.src_ip ipv4-addr 10.0.0.5 Source
            jsonPayload.connection.dest_ip ipv4-addr 198.51.100.1 Destination
        "#]],
    );
    check(
        Format::Gcp,
        r#"{"insertId":"x","logName":"projects/p/logs/dns.googleapis.com%2Fdns_queries","timestamp":"2026-01-15T00:00:00.5Z","jsonPayload":{"sourceIP":"10.0.0.5","queryName":"a.example.","rdata":"a.example.\t300\tIN\ta\t198.51.100.1","protocol":"UDP"}}"#,
        &expect![[r#"
            dns_queries 2026-01-15T00:00:00.5Z udp None None None
            jsonPayload.sourceIP ipv4-addr 10.0.0.5 Source
            jsonPayload.queryName domain-name a.example. Content
            jsonPayload.rdata domain-name a.example. Content
            jsonPayload.rdata ipv4-addr 198.51.100.1 Content
        "#]],
    );
    check(
        Format::Gcp,
        r#"{"insertId":"x","timestamp":"2026-01-15T00:00:00.5Z","httpRequest":{"requestMethod":"GET","requestUrl":"https://a.example/x","remoteIp":"192.0.2.1","userAgent":"Agent/1.0"},"protoPayload":{"requestMetadata":{"callerIp":"192.0.2.1"},"authenticationInfo":{"principalEmail":"taro@a.example"}}}"#,
        &expect![[r#"
            gcp 2026-01-15T00:00:00.5Z  None None None
            httpRequest.requestUrl url https://a.example/x Content
            httpRequest.requestUrl domain-name a.example Content
            httpRequest.remoteIp ipv4-addr 192.0.2.1 Source
            httpRequest.userAgent user-agent Agent/1.0 Content
            protoPayload.requestMetadata.callerIp ipv4-addr 192.0.2.1 Source
            protoPayload.authenticationInfo.principalEmail email-addr taro@a.example Source
        "#]],
    );
}

#[test]
fn strings_that_hold_more_than_a_value_are_known() {
    for (line, expected) in [
        (
            r#"{"timestamp":"2026-01-15T09:00:00.000001+0900","flow_id":1,"event_type":"dns","dns":{"answers":[{"rdata":"x"}]}}"#,
            true,
        ),
        (r#"{"ts":1.5,"rdata":"x"}"#, true),
        (r#"{"class_uid":4001,"src_endpoint":{"ip":"192.0.2.1"}}"#, true),
        (r#"{"EventID":1,"Hashes":"MD5=x"}"#, false),
        (r#"{"winlog.event_data.QueryResults":"x"}"#, false),
        (r#"{"properties":{"flows":[{"flowTuples":["x"]}]}}"#, false),
        (r#"{"timestamp":"2026-01-15T09:00:00Z","Hashes":"MD5=x"}"#, false),
        (r#"{"host":{"mac":["00-11-22-AA-BB-CC"]}}"#, false),
    ] {
        assert_eq!(telemetry::values_stand_alone(line.as_bytes()), expected, "{line}");
    }
}
