#ifndef NEUROND_TESTS_UNIT_NET_TLS_FILES_H
#define NEUROND_TESTS_UNIT_NET_TLS_FILES_H

// Certificates and keys of tests, made by openssl(1), EC P-256. They protect nothing.

namespace neuron {

// clang-format off
/// Signs the others; like them good from 2020 to 2120.
constexpr const char* kCaPem =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBPTCB5KADAgECAgIQADAKBggqhkjOPQQDAjANMQswCQYDVQQDDAJjYTAgFw0y\n"
    "MDAxMDEwMDAwMDBaGA8yMTIwMDEwMTAwMDAwMFowDTELMAkGA1UEAwwCY2EwWTAT\n"
    "BgcqhkjOPQIBBggqhkjOPQMBBwNCAAT6I0/123a4qyOTWnuTgFRVifRflqNHRywL\n"
    "q02CPnfYwThSkghtBa6xezmEWQmzYlbk3G3uyW/bOBspemL0v09JozIwMDAPBgNV\n"
    "HRMBAf8EBTADAQH/MB0GA1UdDgQWBBSYMTPOhSi02XlTSl/ur4v9YJWg1TAKBggq\n"
    "hkjOPQQDAgNIADBFAiEAzOPYqDyIASx/iYwu96YuENe2EwwcTTh4/IXnCoTGP/8C\n"
    "IGHDgOKQjsxx1W/kRQ4cJptJkFF9cFsMgHBDoMgra/m4\n"
    "-----END CERTIFICATE-----\n";
/// Signs nothing.
constexpr const char* kOtherCaPem =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBRDCB6qADAgECAgIQATAKBggqhkjOPQQDAjAQMQ4wDAYDVQQDDAVvdGhlcjAg\n"
    "Fw0yMDAxMDEwMDAwMDBaGA8yMTIwMDEwMTAwMDAwMFowEDEOMAwGA1UEAwwFb3Ro\n"
    "ZXIwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATPzhiNbnfZ9Ap9sOFx1LDVYkiU\n"
    "9RWHssb6tsOWgcyVb3vnaXxVjDjvdGI7t3AIF6B1rr6W472gJBkOgHHNOaT4ozIw\n"
    "MDAPBgNVHRMBAf8EBTADAQH/MB0GA1UdDgQWBBQSY1oPbdYlxhLf1ScguIwjMDIn\n"
    "7jAKBggqhkjOPQQDAgNJADBGAiEAujfFp4/4T0kKw1Qxvf4MTM7nkcBkT+B7PUk3\n"
    "JFCOISUCIQDd4L7mjufhDAIXvXIRTU3l8B+22u1At8cRA6/jWFBtIw==\n"
    "-----END CERTIFICATE-----\n";
/// Of the first CA: kGonePem is revoked.
constexpr const char* kCrlPem =
    "-----BEGIN X509 CRL-----\n"
    "MIG+MGYCAQEwCgYIKoZIzj0EAwIwDTELMAkGA1UEAwwCY2EXDTIwMDEwMTAwMDAw\n"
    "MFoYDzIxMjAwMTAxMDAwMDAwWjAVMBMCAhAFFw0yNjExMjExNjEwNDJaoA8wDTAL\n"
    "BgNVHRQEBAICEAAwCgYIKoZIzj0EAwIDSAAwRQIhAMuHxBkJ2SjO+NHqakQcR+Ah\n"
    "AMCUE7xUE/NZ3J/NgnEzAiBlGRCZGVkQEF01j/zyc3wLhuCShXl9tvqKBVGUSXS+\n"
    "+g==\n"
    "-----END X509 CRL-----\n";
/// For localhost and 127.0.0.1.
constexpr const char* kServerPem =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBbjCCARSgAwIBAgICEAIwCgYIKoZIzj0EAwIwDTELMAkGA1UEAwwCY2EwIBcN\n"
    "MjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMBExDzANBgNVBAMMBnNlcnZl\n"
    "cjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABC6k/8nzL4/GrStfB5/YTZRGB6S5\n"
    "Iz6p3xt4WeqBnye+RXhu2mH45cZ2NWJfKX+mEufcjd+iM5N/MOOfCBOOsmajXjBc\n"
    "MBoGA1UdEQQTMBGCCWxvY2FsaG9zdIcEfwAAATAdBgNVHQ4EFgQUS1OV9Le3XCBI\n"
    "6tO0zn/aYGG0erEwHwYDVR0jBBgwFoAUmDEzzoUotNl5U0pf7q+L/WCVoNUwCgYI\n"
    "KoZIzj0EAwIDSAAwRQIgdQv7KUmCwEMDDEv5z3HX9hldikYpVVFnfuYxpuxlJqoC\n"
    "IQCwoOgtN6SBJ2AelKDDOZ55uMGHVnNlcH/We/aidRzX0g==\n"
    "-----END CERTIFICATE-----\n";
constexpr const char* kServerKeyPem =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg3o+ZGNj8boFCvTDV\n"
    "Ipf1KgR2Ucs3+sXNHlw32QV0cFShRANCAAQupP/J8y+Pxq0rXwef2E2URgekuSM+\n"
    "qd8beFnqgZ8nvkV4btph+OXGdjViXyl/phLn3I3fojOTfzDjnwgTjrJm\n"
    "-----END PRIVATE KEY-----\n";
/// The same key behind a passphrase.
constexpr const char* kLockedKeyPem =
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
    "MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAhz7F8EHWlGwQICCAAw\n"
    "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEENBzOl2krhdVOAv1FeXjYiUEgZAa\n"
    "T9lmiBT1w0llVEu+q++Owe25jZ8bTuB9jjJ+vl1enX42Q9CqhbdWND6YuEyjl3my\n"
    "hElIJf+hvdFV87F/6cowJV+nC9fjkBPci3fzaI66VMIyolW1HQnlerY21/3WY/GJ\n"
    "i+a8hqE6n9phUdWsWGezlvA+/HV2QiBiMLjfx0qT9u+UsI8JBytePZehmg04jOw=\n"
    "-----END ENCRYPTED PRIVATE KEY-----\n";
/// CN=alice, with names of every kind.
constexpr const char* kAlicePem =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBozCCAUqgAwIBAgICEAMwCgYIKoZIzj0EAwIwDTELMAkGA1UEAwwCY2EwIBcN\n"
    "MjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMBAxDjAMBgNVBAMMBWFsaWNl\n"
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEvItoyLvQAIHh19r+ZFNwCC45Jdei\n"
    "VsUgWfSC2N30sdKUmDt6pWnguSNkhYgXVRcV//cmOM7+O148KvIpRI2SeqOBlDCB\n"
    "kTBPBgNVHREESDBGgg1hbGljZS5leGFtcGxlhhBzcGlmZmU6Ly94L2FsaWNlgQth\n"
    "QGIuZXhhbXBsZYcECgAAAYcQAAAAAAAAAAAAAAAAAAAAATAdBgNVHQ4EFgQUSgFZ\n"
    "BSw5SClkIxyQq46hlRb3faIwHwYDVR0jBBgwFoAUmDEzzoUotNl5U0pf7q+L/WCV\n"
    "oNUwCgYIKoZIzj0EAwIDRwAwRAIgXJ9rRWJ8AwVb/TS60MHqUDHe5LLQuU4K4bFJ\n"
    "DLietcYCICu6ZGkCUySMMCv0ew6la1JqinGXEvuyjsyJ6ScWzhFD\n"
    "-----END CERTIFICATE-----\n";
constexpr const char* kAliceKeyPem =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg6VuNy69gsKthbzlx\n"
    "qVXCYC/+fuqlYLLiwHG5zFPRfZOhRANCAAS8i2jIu9AAgeHX2v5kU3AILjkl16JW\n"
    "xSBZ9ILY3fSx0pSYO3qlaeC5I2SFiBdVFxX/9yY4zv47Xjwq8ilEjZJ6\n"
    "-----END PRIVATE KEY-----\n";
/// Its time was over in March 2020.
constexpr const char* kLatePem =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBZzCCAQ2gAwIBAgICEAQwCgYIKoZIzj0EAwIwDTELMAkGA1UEAwwCY2EwHhcN\n"
    "MjAwMTAxMDAwMDAwWhcNMjAwMzAxMDAwMDAwWjAPMQ0wCwYDVQQDDARsYXRlMFkw\n"
    "EwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEhpryRsZT/0V2q865HMzto8BJysZWGg2a\n"
    "ficVpBalQ85MH+KxIPxzge9y2fK/rFBVud3Me/JoehI2QiIiGHkGA6NbMFkwFwYD\n"
    "VR0RBBAwDoIMbGF0ZS5leGFtcGxlMB0GA1UdDgQWBBTUDaGFX9nFEXwLA5JXoTPl\n"
    "YqqSFDAfBgNVHSMEGDAWgBSYMTPOhSi02XlTSl/ur4v9YJWg1TAKBggqhkjOPQQD\n"
    "AgNIADBFAiEA7JXZTCGuUlWbhFwBfBVZBxq25bLKgBRPD3M2/9TtHwQCIDFJ53+k\n"
    "s0Hsf9KrVThVu1WaAo19gZJm/7yL07TynvNI\n"
    "-----END CERTIFICATE-----\n";
constexpr const char* kLateKeyPem =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgbMdVbv6dQCdh1A+D\n"
    "akuH2OgmjG6EuBWV2y2UkJtjMzyhRANCAASGmvJGxlP/RXarzrkczO2jwEnKxlYa\n"
    "DZp+JxWkFqVDzkwf4rEg/HOB73LZ8r+sUFW53cx78mh6EjZCIiIYeQYD\n"
    "-----END PRIVATE KEY-----\n";
/// Revoked; without subjectAltName.
constexpr const char* kGonePem =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBBTCBrQICEAUwCgYIKoZIzj0EAwIwDTELMAkGA1UEAwwCY2EwIBcNMjAwMTAx\n"
    "MDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMA8xDTALBgNVBAMMBGdvbmUwWTATBgcq\n"
    "hkjOPQIBBggqhkjOPQMBBwNCAATHaA3Mefe/T6LqXNzqaDackUMpzIC0jF6zj/rN\n"
    "v/Pmzqp+pV140W8GYoFwipPKa89yTpIOvNzqP8QLfM5KK3F7MAoGCCqGSM49BAMC\n"
    "A0cAMEQCICVO0oEyEJgtrCnU9HjQe1CvvNq9p/EcKs0UNaW/6jxYAiApD7vytnmL\n"
    "z2npz6G10rndQS0vP2bWiHbaDsQPtNnKOg==\n"
    "-----END CERTIFICATE-----\n";
constexpr const char* kGoneKeyPem =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgGuZjyDVSIRjohlru\n"
    "4swph9kOkwYdVVMVoyrTp93FJoWhRANCAATHaA3Mefe/T6LqXNzqaDackUMpzIC0\n"
    "jF6zj/rNv/Pmzqp+pV140W8GYoFwipPKa89yTpIOvNzqP8QLfM5KK3F7\n"
    "-----END PRIVATE KEY-----\n";
// clang-format on

}  // namespace neuron

#endif
