-- What each class of readers that reads the log on (TAXII, the stream) may read, as it was when one of them last read. `policies`
-- stands for what that was decided by, `seal` for the labels.
CREATE TABLE reader_sights (
    realm BIGINT NOT NULL,
    class TEXT NOT NULL,
    family TEXT NOT NULL,
    policies TEXT NOT NULL,
    seal BIGINT NOT NULL,
    labels TEXT NOT NULL,
    revision BIGINT NOT NULL,
    settled BIGINT NOT NULL,
    PRIMARY KEY (realm, class)
);

-- Labels that were opened to a class when its readers may have passed what bears them. Everything under them up to `through` stands,
-- for that class, behind the row `through`: at the date `first` plus its own sequence. What comes after has `line` plus the rows
-- since as its date, or its own where that is later.
CREATE TABLE openings (
    realm BIGINT NOT NULL,
    class TEXT NOT NULL,
    number BIGINT NOT NULL,
    through BIGINT NOT NULL,
    first BIGINT NOT NULL,
    line BIGINT NOT NULL,
    labels TEXT NOT NULL,
    PRIMARY KEY (realm, class, number)
);
